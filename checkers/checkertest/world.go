package checkertest

import (
	"math/rand/v2"

	"waybill/checkers"
	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// Options say what history to make. The zero Options give all modes and three faults of the seed's choice.
type Options struct {
	Modes    []semantics.Mode
	Faults   []string // nil: three at random
	Messages int      // a lane and phase; 0: about 12
	Strikes  int      // of kill-consumer in one episode; 0: one

	Partitions int // of each queue; 0: one
}

// History is what a run would have left.
type History struct {
	Events     history.Memory
	Experiment experiment.Experiment
	Schedule   experiment.Schedule
	Segments   []checkers.Segment
}

// Input is what to audit.
func (h History) Input() checkers.Input {
	return checkers.Input{Source: h.Events, Experiment: h.Experiment, Schedule: h.Schedule, Segments: h.Segments}
}

const (
	controller history.Life = 1
	inspector  history.Life = 2
)

// world is a run under way: one clock, and lanes with a queue each.
type world struct {
	rng   *rand.Rand
	opts  Options
	h     History
	now   int64
	lives history.Life
	lanes []*queue
	tag   uint64
	txn   uint64 // numbers grow within a life if they grow at all
	ep    uint64
}

// Generate makes the history of a seed.
func Generate(seed uint64, o Options) History {
	w := &world{rng: rand.New(rand.NewPCG(seed, 1)), opts: o, lives: inspector}
	if w.opts.Modes == nil {
		w.opts.Modes = Modes()
	}
	w.opts.Partitions = max(1, w.opts.Partitions)
	if w.opts.Messages == 0 {
		w.opts.Messages = 8 + w.rng.IntN(8)
	}
	if o.Faults == nil {
		all := Faults()
		for range 3 {
			w.opts.Faults = append(w.opts.Faults, all[w.rng.IntN(len(all))])
		}
	}
	w.h.Experiment = newExperiment(w.opts.Modes)
	w.h.Experiment.Seed = seed
	w.h.Schedule = newSchedule(w.opts.Faults, w.h.Experiment)
	w.run()
	return w.h
}

// put records an event of a life. Now and then two events share a tick, as they do in a merged history.
func (w *world) put(life history.Life, e history.Event) {
	w.now += int64(w.rng.IntN(40)) - 4
	if n := len(w.h.Events); n > 0 && w.now < w.h.Events[n-1].Time {
		w.now = w.h.Events[n-1].Time
	}
	e.Time, e.Life, e.Segment = w.now, life, int(life)
	w.h.Events = append(w.h.Events, e)
}

// start begins a life and gives it a segment.
func (w *world) start(id history.Life, role, host string, lane uint32) {
	w.put(controller, history.Event{Kind: history.LifeStart, Other: id, Text: role, Name: host, Lane: lane})
	w.h.Segments = append(w.h.Segments, checkers.Segment{Name: host + ".wb", Life: id, Sealed: true})
}

// life begins a new life on a lane.
func (w *world) life(role, host string, lane uint32) history.Life {
	w.lives++
	w.start(w.lives, role, host, lane)
	return w.lives
}

// kill ends a life by the fault of the episode: its segment is never sealed.
func (w *world) kill(id history.Life) {
	w.put(controller, history.Event{Kind: history.LifeEnd, Other: id, Reason: history.KilledByFault, Ref: w.ep})
	for i := range w.h.Segments {
		if w.h.Segments[i].Life == id {
			w.h.Segments[i].Sealed = false
		}
	}
}

func (w *world) run() {
	w.start(controller, "controller", "control", 0)
	w.start(inspector, "inspector", "inspect", 0)
	for i, l := range w.h.Experiment.Lanes {
		w.lanes = append(w.lanes, newQueue(w, uint32(i), l.Mode))
	}
	for _, q := range w.lanes {
		q.lead()
	}
	for i, fault := range w.opts.Faults {
		w.episode(uint64(i+1), fault)
	}
	w.ep = uint64(len(w.opts.Faults) + 1)
	w.put(controller, history.Event{Kind: history.EpisodeBegin, Ref: w.ep, Name: "final"})
	w.checkpoint()
	w.put(controller, history.Event{Kind: history.EpisodeEnd, Ref: w.ep})
}

func (w *world) ctl(e history.Event) {
	e.Ref = w.ep
	w.put(controller, e)
}

func (w *world) episode(n uint64, fault string) {
	w.ep = n
	w.ctl(history.Event{Kind: history.EpisodeBegin, Name: fault})
	w.ctl(history.Event{Kind: history.FaultPlan, Name: fault})
	w.load(false)
	w.strike(fault)
	for _, q := range w.lanes {
		q.heal()
		healed := history.Event{Kind: history.ServiceHealed, Lane: q.lane, Status: history.OK, Count: 900}
		if q.unroutable {
			healed.Status, healed.Reason = history.Failed, history.LimitReached
		}
		w.ctl(healed)
	}
	w.load(false)
	w.checkpoint()
	w.ctl(history.Event{Kind: history.EpisodeEnd})
}

// load lets every lane work for a while, interleaved. Under trouble confirmations and acknowledgements get lost.
func (w *world) load(trouble bool) {
	for range w.opts.Messages {
		for _, q := range w.lanes {
			q.step(trouble)
		}
	}
}
