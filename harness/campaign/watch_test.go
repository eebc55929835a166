package campaign

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"waybill/checkers/checkertest"
	"waybill/checkers/plant"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// spoilt is a history of one lane that is spoilt by the plant of that name.
func spoilt(t *testing.T, name string, mode int) (checkertest.History, plant.Planted) {
	t.Helper()
	h := checkertest.Generate(3, checkertest.Options{Modes: checkertest.Modes()[mode : mode+1], Faults: []string{"kill-leader", "kill-consumer"}})
	i := slices.IndexFunc(plant.All(), func(p plant.Plant) bool { return p.Name == name })
	out, ok := plant.All()[i].Apply(rand.New(rand.NewPCG(3, 3)), h.Events, 0)
	if !ok {
		t.Fatalf("no place for %s", name)
	}
	h.Events = out.Events
	return h, out
}

// The watcher keeps behind its recorders by a lag: what is younger is told in a later look. It looks at no clock of its own.
func TestTheWatcherTellsAFindingOnceItsCheckpointIsBehindTheLag(t *testing.T) {
	h, planted := spoilt(t, "store a second copy", 2)
	d := recorded(t, h)
	var told []watched
	w := newWatcher(Plan{Experiment: h.Experiment, Schedule: h.Schedule}, d.History(), func(n watched) { told = append(told, n) })
	defer w.tail.Close()
	var end int64
	for _, e := range h.Events {
		if e.Kind == history.CheckpointEnd && int(e.Ref) == planted.Episode {
			end = e.Time
		}
	}
	lag := w.lag.Microseconds()
	for _, now := range []int64{end - lag, end + lag} {
		if err := w.look(t.Context(), now); err != nil || len(told) != 0 {
			t.Fatalf("at the checkpoint's end, and a lag later: %v, %+v", err, told)
		}
	}
	if err := w.look(t.Context(), end+lag+1); err != nil {
		t.Fatal(err)
	}
	if len(told) != 1 || told[0].found.Anomaly != "duplicate in store" || told[0].found.Cell != "exactly once stored, in order" ||
		told[0].found.Fault != h.Schedule.Episodes[planted.Episode-1].Fault {
		t.Fatalf("%+v, planted in episode %d", told, planted.Episode)
	}
	if err := w.look(t.Context(), end+1000*lag); err != nil || len(told) != 1 {
		t.Errorf("%v; told again: %+v", err, told)
	}
}

func TestTheWatcherKeepsFurtherBehindAfterALateEvent(t *testing.T) {
	h, _ := spoilt(t, "store a second copy", 2)
	d := recorded(t, h)
	var told []watched
	w := newWatcher(Plan{Experiment: h.Experiment, Schedule: h.Schedule}, d.History(), func(n watched) { told = append(told, n) })
	defer w.tail.Close()
	now := h.Events[len(h.Events)/4].Time
	if err := w.look(t.Context(), now+w.lag.Microseconds()); err != nil {
		t.Fatal(err)
	}
	r, err := history.Create(filepath.Join(d.History(), "99999.seg"), history.Header{Life: 99, Role: "test"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(2) {
		if err := r.Record(&history.Event{Kind: history.GiveUp, Time: now - 10 + i, Msg: history.Msg{Life: 99, Seq: 1}}); err != nil {
			t.Fatal(err)
		}
		for range 8 {
			if err := w.look(t.Context(), now+w.lag.Microseconds()); err != nil {
				t.Fatal(err)
			}
		}
		if len(told) != 1 || !strings.Contains(told[0].warning, "late") {
			t.Fatalf("%+v", told)
		}
	}
	if w.lag != 4*watchLag {
		t.Errorf("the lag is %s after two late events", w.lag)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// A run that cannot be followed goes on: the live audit says so, and ends.
func TestALiveAuditThatCannotReadEndsAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []watched
		watch(t.Context(), Plan{}, filepath.Join(t.TempDir(), "nowhere"), func(n watched) { told = append(told, n) })
		if len(told) != 1 || !strings.Contains(told[0].warning, "the verdict will rest on the whole history") {
			t.Errorf("%+v", told)
		}
	})
}

func TestALiveAuditEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := runDir(t, 1)
		_, stop := observe(t.Context(), Plan{}, string(h), Watch{Live: true})
		time.Sleep(10 * time.Second)
		stop() // synctest fails if anything is left running
	})
	if news, stop := observe(context.Background(), Plan{}, "", Watch{}); news != nil {
		t.Error("it was not wanted")
	} else {
		stop()
	}
}

// A finding that no promise forbids is told, and stops nothing.
func TestOnlyABrokenPromiseIsOneToStopAt(t *testing.T) {
	h, _ := spoilt(t, "deliver a copy again after its confirmed acknowledgement", 2)
	d := recorded(t, h)
	var told []watched
	w := newWatcher(Plan{Experiment: h.Experiment, Schedule: h.Schedule}, d.History(), func(n watched) { told = append(told, n) })
	defer w.tail.Close()
	if err := w.look(t.Context(), 1<<62); err != nil {
		t.Fatal(err)
	}
	v, err := Judge(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	if len(told) == 0 || told[0].found.Anomaly != "illegal redelivery" || told[0].found.Breaks || v.Result == semantics.Broken {
		t.Errorf("%+v, %s", told, v.Result)
	}
}
