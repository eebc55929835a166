package checkers_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"waybill/checkers"
	"waybill/checkers/checkertest"
	"waybill/checkers/plant"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// recording is a made history that is being recorded, a goroutine for each life.
type recording struct {
	dir    string
	events history.Memory
	lives  map[history.Life]*writer
	at     int // events before this one are recorded
}

type writer struct {
	rec   *history.Recorder
	queue []history.Event
}

// newRecording moves the history's times to where recorders accept them: behind their own first stamp.
func newRecording(t *testing.T, dir string, events history.Memory) *recording {
	r := &recording{dir: dir, events: slices.Clone(events), lives: map[history.Life]*writer{}}
	shift := history.FloorTicks(history.Clock()) + 3600*history.TicksPerSecond
	for i := range r.events {
		r.events[i].Time += shift
		id := r.events[i].Life
		if r.lives[id] != nil {
			continue
		}
		rec, err := history.Create(filepath.Join(dir, fmt.Sprintf("%05d%s", id, history.Extension)), history.Header{Run: "testtest", Life: id})
		if err != nil {
			t.Fatal(err)
		}
		r.lives[id] = &writer{rec: rec}
	}
	return r
}

// record lets all lives record at once what they did in the next n events, and begins to look meanwhile.
func (r *recording) record(t *testing.T, n int, meanwhile func()) {
	end := min(len(r.events), r.at+n)
	for _, e := range r.events[r.at:end] {
		w := r.lives[e.Life]
		w.queue = append(w.queue, e)
	}
	var all sync.WaitGroup
	for _, w := range r.lives {
		all.Go(func() {
			for i := range w.queue {
				if err := w.rec.Record(&w.queue[i]); err != nil {
					t.Error(err)
				}
			}
			w.queue = w.queue[:0]
		})
	}
	meanwhile()
	all.Wait()
	r.at = end
}

// passed is the instant before which everything is recorded.
func (r *recording) passed() int64 {
	if r.at == len(r.events) {
		return r.events[r.at-1].Time + 1
	}
	return r.events[r.at].Time
}

// close seals the segments of one history in eight: it syncs each, which takes long. The others end as if all lives had been killed.
func (r *recording) close(t *testing.T) {
	if len(r.events)%8 != 0 {
		return
	}
	for _, w := range r.lives {
		if err := w.rec.Close(); err != nil {
			t.Error(err)
		}
	}
}

// viewer looks at a recording as it grows.
type viewer struct {
	tail *history.Tail
	live *checkers.Live
	told []checkers.Certain
	over map[int]bool   // episodes with a checkpoint behind them
	soon int            // findings told before that
	last uint64         // the last episode that ended
	by   map[uint64]int // how much was told once it had ended
}

func newViewer(in checkers.Input, dir string) *viewer {
	return &viewer{over: map[int]bool{}, by: map[uint64]int{}, tail: history.Follow(dir), live: checkers.NewLive(in, func(until int64) history.Source {
		return history.Before{Dir: dir, Until: until}
	})}
}

func (v *viewer) look(t *testing.T, until int64) {
	t.Helper()
	err := v.tail.Read(t.Context(), until, func(e *history.Event) error {
		switch e.Kind {
		case history.EpisodeEnd:
			v.last = e.Ref
		case history.CheckpointEnd:
			v.over[int(e.Ref)] = true
		}
		return v.live.See(e)
	})
	if err != nil {
		t.Fatal(err)
	}
	if v.tail.Late() > 0 {
		v.live.Missed()
	}
	news, err := v.live.Certain(t.Context(), until)
	if err != nil {
		t.Fatal(err)
	}
	v.told = append(v.told, news...)
	for _, c := range news {
		if !v.over[c.Episode] {
			v.soon++
		}
	}
	v.by[v.last] = len(v.told)
}

// kindOfFinding is what findings are compared by: the parts of a loss are one.
type kindOfFinding struct {
	lane, anomaly string
	episode       int
}

func keyOf(f semantics.Finding) kindOfFinding {
	if strings.HasPrefix(f.Anomaly, "lost: ") {
		f.Anomaly = "lost"
	}
	return kindOfFinding{f.Lane, f.Anomaly, f.Episode}
}

func summed[T any](of []T, finding func(T) semantics.Finding) (map[kindOfFinding]int64, map[kindOfFinding][]string) {
	n, tokens := map[kindOfFinding]int64{}, map[kindOfFinding][]string{}
	for _, x := range of {
		f := finding(x)
		n[keyOf(f)] += f.Count
		tokens[keyOf(f)] = append(tokens[keyOf(f)], f.Tokens...)
	}
	return n, tokens
}

// subset checks what was told against the verdict of the whole run.
func subset(told []checkers.Certain, whole semantics.Verdict) error {
	have, tokens := summed(whole.Findings, func(f semantics.Finding) semantics.Finding { return f })
	for _, c := range told {
		k := keyOf(c.Finding)
		n := have[k]
		if k.anomaly == "lost" { // it may have come back
			n += have[kindOfFinding{c.Lane, "unavailable", c.Episode}]
		}
		if c.Count > n {
			return fmt.Errorf("told %+v, and the audit of the whole finds %d of it: %+v", c, n, whole.Findings)
		}
		for _, token := range c.Tokens {
			if n <= 20 && have[k] == n && !slices.Contains(tokens[k], token) {
				return fmt.Errorf("told %s of %s, and the audit of the whole names %v", c.Anomaly, token, tokens[k])
			}
		}
		if c.Breaks != (c.Cell != "") {
			return fmt.Errorf("told %+v: it breaks %q", c, c.Cell)
		}
		if c.Breaks && whole.Result != semantics.Broken {
			return fmt.Errorf("told %+v, and the whole is %s", c, whole.Result)
		}
	}
	return nil
}

// Histories with something planted are recorded by all lives at once and followed meanwhile: what is told is found in the end, and what is
// found in the end was told once the checkpoint was over.
func TestWhatIsToldLiveIsWhatIsFoundInTheEnd(t *testing.T) {
	told, early := 0, 0
	for i, p := range plant.All() {
		seed := uint64(i)
		rng := rand.New(rand.NewPCG(seed, 3))
		h, ok := sown(rng, p, seed)
		if !ok {
			continue // its own test sees to it that there are places for each
		}
		v, whole := followed(t, rng, h, 0)
		if n := v.tail.Late(); n != 0 {
			t.Fatalf("seed %d: %d events came late, though the view kept behind them", seed, n)
		}
		if err := subset(v.told, whole); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for _, ep := range slices.Sorted(maps.Keys(v.by)) {
			n, _ := summed(v.told[:v.by[ep]], func(c checkers.Certain) semantics.Finding { return c.Finding })
			for _, f := range whole.Findings {
				k := keyOf(f)
				if f.Episode <= int(ep) && n[k] == 0 && !strings.Contains(f.Detail, "could later") {
					t.Fatalf("seed %d: episode %d is over, and %+v was not told: %+v", seed, ep, f, v.told)
				}
			}
		}
		told += len(v.told)
		early += v.soon
	}
	if told == 0 || early == 0 {
		t.Errorf("%d findings were told, %d of them before a checkpoint: nothing was tried", told, early)
	}
}

// A view that runs ahead of the recorders misses the order of events. It knows, and tells nothing that is not so.
func TestAViewThatMissedEventsAccusesNobody(t *testing.T) {
	late, told := int64(0), 0
	for seed := range uint64(16) {
		rng := rand.New(rand.NewPCG(seed, 4))
		h, _ := sown(rng, plant.All()[rng.IntN(len(plant.All()))], seed)
		v, whole := followed(t, rng, h, 300)
		late += v.tail.Late()
		told += len(v.told)
		if err := subset(v.told, whole); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
	if late == 0 || told == 0 {
		t.Errorf("%d events came late, %d findings were told: nothing was tried", late, told)
	}
}

// sown is a history of some family with p planted into it, in some lane. It reports false, and a clean history, where none has a place for it.
func sown(rng *rand.Rand, p plant.Plant, seed uint64) (checkertest.History, bool) {
	for _, family := range families() {
		h := checkertest.Generate(seed, family)
		for _, lane := range rng.Perm(len(h.Experiment.Lanes)) {
			if !p.Fits(h.Experiment.Lanes[lane].Mode) {
				continue
			}
			if out, ok := p.Apply(rng, h.Events, uint32(lane)); ok {
				h.Events = out.Events
				slices.SortStableFunc(h.Events, func(a, b history.Event) int { return int(a.Time - b.Time) })
				return h, true
			}
		}
	}
	return checkertest.Generate(seed, checkertest.Options{}), false
}

// followed records h in pieces of chance lengths. Without ahead it is looked at while a piece is recorded, up to where the last one ended; else
// between pieces, up to so many ticks beyond that: what a life recorded there may be known to nobody else yet, but it is no cause of anything
// that is recorded.
func followed(t *testing.T, rng *rand.Rand, h checkertest.History, ahead int64) (*viewer, semantics.Verdict) {
	t.Helper()
	dir := t.TempDir()
	r := newRecording(t, dir, h.Events)
	v := newViewer(h.Input(), dir)
	defer v.tail.Close()
	until := int64(0)
	for r.at < len(r.events) {
		n := 1 + rng.IntN(400)
		if ahead > 0 {
			r.record(t, n, func() {})
			v.look(t, r.passed()+rng.Int64N(ahead))
			continue
		}
		r.record(t, n, func() { v.look(t, until) })
		until = r.passed()
	}
	v.look(t, r.passed())
	r.close(t)
	in := h.Input()
	in.Source = open(t, dir)
	return v, audit(t, in)
}

func open(t *testing.T, dir string) history.Source {
	t.Helper()
	h, err := history.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// lookedAt is a live audit of a script, and how to see events and ask what is certain.
func lookedAt(t *testing.T, s *script) func(history.Memory) []checkers.Certain {
	live := checkers.NewLive(s.input(), func(until int64) history.Source {
		i := slices.IndexFunc(s.events, func(e history.Event) bool { return e.Time >= until })
		if i < 0 {
			return s.events
		}
		return s.events[:i]
	})
	return func(events history.Memory) []checkers.Certain {
		t.Helper()
		for i := range events {
			if err := live.See(&events[i]); err != nil {
				t.Fatal(err)
			}
		}
		news, err := live.Certain(t.Context(), events[len(events)-1].Time+1)
		if err != nil {
			t.Fatal(err)
		}
		return news
	}
}

// What happens between the end of a checkpoint and the next episode is found with the latter, and is not told before.
func TestWhatHappensBetweenEpisodesIsToldWithTheNextLive(t *testing.T) {
	s := newScript(exactlyOnce()).begin(1, "kill-leader").whole(1).close(1, []uint64{1}, []uint64{1})
	s.add(con, history.Event{Kind: history.Delivery, Msg: msg(1), Pos: at(1), Flags: history.Corrupt, Call: 1})
	between := len(s.events)
	s.begin(2, "final").close(2, []uint64{1}, []uint64{1})
	look := lookedAt(t, s)
	if early := look(s.events[:between]); len(early) != 0 {
		t.Errorf("told before the episode: %+v", early)
	}
	if told := look(s.events[between:]); len(told) != 1 || told[0].Anomaly != "corrupt" || told[0].Episode != 2 {
		t.Errorf("%+v", told)
	}
}

// A service that does not come back leaves no trace in any message, and is told all the same.
func TestAServiceThatDoesNotComeBackIsToldLive(t *testing.T) {
	s := newScript(exactlyOnce()).begin(1, "kill-leader").whole(1)
	s.add(ctl, history.Event{Kind: history.ServiceHealed, Ref: 1, Status: history.Failed, Reason: history.LimitReached})
	s.close(1, []uint64{1}, []uint64{1})
	if told := lookedAt(t, s)(s.events); len(told) != 1 || told[0].Anomaly != "unavailable" || told[0].Cell != "liveness" {
		t.Errorf("%+v", told)
	}
}
