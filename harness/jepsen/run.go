package jepsen

import (
	"fmt"
	"strconv"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// Options say how a history is to be read where it does not say so itself.
type Options struct {
	Promises     []semantics.Promise // what to judge; see Check
	Drained      bool                // whoever made it polled until nothing more came: what was never polled is not there
	FailsUnknown bool                // its clients call :fail what may have happened all the same
}

// Run is a history as one of Waybill's.
type Run struct {
	Experiment experiment.Experiment
	Schedule   experiment.Schedule
	Events     history.Memory // in order of time, which begins at 0
	roles      map[history.Life]role
}

// role is what a life that records is for.
type role struct{ name, slot string }

// Names of the lanes.
const (
	readLane   = "log"
	unreadLane = "unread"
)

// Lives that are no process of Jepsen's.
const (
	controller history.Life = 1
	inspector  history.Life = 2
	firstLife               = 200_000 // of processes: apart from all that is in tokens
)

// checkpoint is the number of the one episode, and so of its checkpoint.
const checkpoint = 1

// Check refuses promises about which a history of Jepsen's says nothing.
func (o Options) Check() error {
	for _, p := range o.Promises {
		switch {
		case p.Stage == semantics.Applied:
			return fmt.Errorf("a promise about %s cannot be judged: what clients did with a message after its poll is not in a history of Jepsen's; want stored or delivered", p.Stage)
		case p.Stage != semantics.Stored && p.Stage != semantics.Delivered:
			return fmt.Errorf("a promise about %s: want stored or delivered", p.Stage)
		case p.Stage == semantics.Delivered && p.Linearizable:
			return fmt.Errorf("delivered linearizable: a log is, so that it is a promise about what is stored")
		case p.Stage == semantics.Delivered && p.Guarantee.ForbidsDuplicates():
			return fmt.Errorf("delivered %s cannot be judged: whether a second delivery was due is not in a history of Jepsen's; want delivered at least once", p.Guarantee)
		}
	}
	return nil
}

// Run makes a run of the history. Errors wrap ErrHistory, or are those of Options.Check.
func (h *History) Run(o Options) (Run, error) {
	if err := o.Check(); err != nil {
		return Run{}, fmt.Errorf("jepsen: %w", err)
	}
	n, err := nameAll(h)
	if err != nil {
		return Run{}, err
	}
	t := &translation{h: h, o: o, names: n, seen: survey(h), opened: map[int]int{}, calls: map[int]uint64{}, holds: map[int]map[int]bool{}}
	t.unread = t.seen.unread(h, o.Drained)
	t.begin()
	for i := range h.ops {
		t.op(i)
	}
	t.end()
	return Run{Experiment: t.experiment(), Events: t.events, roles: t.roles()}, nil
}

// Queue reports whether the history is one of a queue without offsets.
func (h *History) Queue() bool {
	_, is := h.keyOf[queueKey.String()]
	return is && len(h.keys) == 1
}

func (t *translation) experiment() experiment.Experiment {
	traits := semantics.Traits{Confirms: true, Acks: true, Scannable: true, Exclusive: true}
	if t.h.Queue() {
		traits.Scannable, traits.Exclusive, traits.Drainable = false, false, true
	}
	mode := semantics.Mode{Name: "jepsen", Profile: "imported", Summary: "a history that Jepsen recorded", Promises: t.o.Promises, Traits: traits}
	x := experiment.Experiment{Run: t.names.run, Target: "jepsen", Profile: "imported"}
	for _, name := range t.lanes() {
		x.Lanes = append(x.Lanes, experiment.Lane{Name: name, Queue: name, Mode: mode, Producers: len(t.h.processes), Consumers: len(t.h.processes)})
	}
	return x
}

func (t *translation) lanes() []string {
	if len(t.unread) == 0 {
		return []string{readLane}
	}
	return []string{readLane, unreadLane}
}

func (t *translation) roles() map[history.Life]role {
	out := map[history.Life]role{controller: {"controller", ""}, inspector: {"inspector", ""}}
	for p, name := range t.h.processes {
		out[lifeOf(p)] = role{"client", "process " + name}
	}
	return out
}

func lifeOf(process int) history.Life { return firstLife + history.Life(process) }

// partition stands for a key: the key itself, where it is a small number.
func (h *History) partition(key int) uint32 {
	if n, err := strconv.ParseUint(h.keys[key], 10, 32); err == nil && n < 1<<20 {
		return uint32(n)
	}
	return 1<<20 + uint32(key)
}
