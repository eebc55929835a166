package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"waybill/harness/history"
	"waybill/harness/lab/labtest"
	"waybill/harness/reexec"
)

// pinned is a client that can be kept on a node.
type pinned struct{ node string }

func (p *pinned) Pin(_ context.Context, node string) error { p.node = node; return nil }

func TestOnlyAClientThatCanBePinnedIs(t *testing.T) {
	ctx := context.Background()
	p := &pinned{}
	if _, err := pin(ctx, p, json.RawMessage(`"n2"`)); err != nil || p.node != "n2" {
		t.Errorf("%v, pinned to %q", err, p.node)
	}
	if _, err := pin(ctx, struct{}{}, json.RawMessage(`"n2"`)); err == nil || !strings.Contains(err.Error(), "cannot be pinned") {
		t.Errorf("a client that cannot: %v", err)
	}
	if _, err := pin(ctx, p, json.RawMessage(`2`)); err == nil {
		t.Error("a number was taken for a node")
	}
}

func TestAWorkerRefusesOrdersBeforeItStarted(t *testing.T) {
	w := &worker{ended: make(chan error, 1)}
	ctx := context.Background()
	if _, err := w.handle(ctx, "pause", nil); !errors.Is(err, errUnknownOrder) || !strings.Contains(err.Error(), `"pause" before start`) {
		t.Errorf("an order before start: %v", err)
	}
	if _, err := w.handle(ctx, "stop", nil); err != nil {
		t.Errorf("nothing to stop is no error: %v", err)
	}
	for _, c := range []struct {
		cfg WorkerConfig
		err string
	}{
		{WorkerConfig{Role: "cook", History: t.TempDir()}, `no role "cook"`},
		{WorkerConfig{Role: "producer", Target: "none", History: t.TempDir()}, `no target "none" in this binary`},
		{WorkerConfig{Role: "consumer", Target: "none", History: t.TempDir(), Dir: filepath.Join(t.TempDir(), "none")}, "effects file"},
		{WorkerConfig{Role: "ledger", History: filepath.Join(t.TempDir(), "none")}, "no such file or directory"},
	} {
		body, err := json.Marshal(c.cfg)
		if err != nil {
			t.Fatal(err)
		}
		w := &worker{ended: make(chan error, 1)}
		if _, err := w.handle(ctx, "start", body); err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: started with %v, want %q", c.cfg.Role, err, c.err)
		}
	}
}

func record(t *testing.T) (rec *history.Recorder, events func() []history.Event) {
	t.Helper()
	dir := t.TempDir()
	rec, err := history.Create(filepath.Join(dir, "life.seg"), history.Header{Run: "run45678", Life: 2, Role: "producer"})
	if err != nil {
		t.Fatal(err)
	}
	return rec, func() (out []history.Event) {
		h, err := history.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		for e, err := range h.Events() {
			if err != nil {
				t.Fatal(err)
			}
			if e.Kind != history.ClockCheck && e.Kind != history.Seal {
				out = append(out, *e)
			}
		}
		return out
	}
}

func TestConnectionsAreRecordedUntilTheLifeEnds(t *testing.T) {
	rec, events := record(t)
	c := &connections{rec: rec, index: 3}
	c.changed(true, "n1:4222", "")
	c.changed(false, "n1:4222", "stale connection")
	c.close()
	c.changed(true, "n2:4222", "") // a client library tells of it while it is being closed
	if err := rec.Close(); err != nil {
		t.Fatal(err)
	}
	got := events()
	if len(got) != 2 || got[0].Kind != history.ConnOpen || got[1].Kind != history.ConnLost || got[1].Name != "n1:4222" || got[1].Text != "stale connection" || got[1].Lane != 3 {
		t.Errorf("recorded %+v", got)
	}
}

func TestTheHeartbeatBeatsAndAHealthyProcessIsNotStarved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec, events := record(t)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); heartbeat(ctx, rec, (&connections{rec: rec}).starve) }()
		time.Sleep(beatEvery + time.Millisecond)
		first := rec.Counters().Load(history.Heartbeat)
		time.Sleep(time.Minute)
		if beat := rec.Counters().Load(history.Heartbeat); first == 0 || beat-first < 59_900_000 || beat-first > 60_100_000 {
			t.Errorf("the beat went from %d to %d ticks in a minute", first, beat)
		}
		cancel()
		<-done
		if got := events(); len(got) != 0 {
			t.Errorf("recorded %+v", got)
		}
		if err := rec.Close(); err != nil {
			t.Error(err)
		}
	})
}

// beatProgram is this test binary as a worker of which nothing but the heart is left: its argument is the folder of its segment.
const beatProgram = "test-heartbeat"

func init() {
	reexec.Register(beatProgram, func(args []string) int {
		rec, err := history.Create(filepath.Join(args[0], "life.seg"), history.Header{Run: "run45678", Life: 2, Role: "producer"})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 4
		}
		heartbeat(context.Background(), rec, (&connections{rec: rec, index: 3}).starve)
		return 0
	})
}

func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }

func TestAProcessThatDidNotRunForASecondWasStarved(t *testing.T) {
	dir := t.TempDir()
	c := reexec.Command(beatProgram, dir)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	until := func(what string, ok func() bool) {
		t.Helper()
		for range 4000 {
			if ok() {
				return
			}
			<-poll.C
		}
		t.Fatal(what)
	}
	var live *history.Live
	until("no segment", func() bool {
		l, err := history.WatchCounters(filepath.Join(dir, "life.seg"))
		live = l
		return err == nil
	})
	defer live.Close()
	until("no heartbeat", func() bool { return live.Load(history.Heartbeat) > 0 })
	starved := func() (out []history.Event) {
		h, err := history.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		for e, err := range h.Events() {
			if err != nil {
				t.Fatal(err)
			}
			if e.Kind == history.Starved {
				out = append(out, *e)
			}
		}
		return out
	}
	before := len(starved()) // the machine itself may be slow
	if err := c.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(starvedAfter + 200*time.Millisecond) // the time itself is what is wanted
	if err := c.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	until("a stop of more than a second was not recorded", func() bool { return len(starved()) > before })
	if e := starved()[before]; e.Lane != 3 || e.Count < uint64(starvedAfter.Microseconds()) {
		t.Errorf("recorded %+v", e)
	}
}

func TestAJournalKeepsItsFirstError(t *testing.T) {
	dir := t.TempDir()
	j, err := newJournal(dir, "run45678")
	if err != nil {
		t.Fatal(err)
	}
	j.put(history.Event{Kind: history.PhaseBegin, Name: "brokers up"})
	if err := j.failed(); err != nil {
		t.Error(err)
	}
	j.put(history.Event{Kind: history.Policy, Text: strings.Repeat("x", history.MaxString+1)})
	j.put(history.Event{Kind: history.PhaseEnd, Name: "brokers up"})
	if err := j.failed(); !errors.Is(err, history.ErrNotRecordable) {
		t.Errorf("an event that could not be recorded: %v", err)
	}
	if err := j.close(); !errors.Is(err, history.ErrNotRecordable) {
		t.Errorf("closed with %v: the run would look whole", err)
	}
	h, err := history.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if s := h.Segments(); len(s) != 1 || s[0].Header.Life != controllerLife || s[0].Header.Role != "controller" || s[0].Sealed != history.SealedByOwner {
		t.Errorf("segments %+v", s)
	}
}
