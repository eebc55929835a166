// Package mutate edits histories blindly: it drops, adds, swaps, forges, moves in time and in place, and splits transactions, wherever
// the seed points. It does not know whether a mutation makes an anomaly, or which: an oracle decides that, and a sharp audit agrees with it
// on every one. (Package plant does the opposite: it knows what it plants and says what must be found.)
//
// A mutation stays within what the processes of a run could have recorded: events of one segment keep their order, times of one tick their
// places. It judges nothing, and knows no broker.
package mutate

import (
	"math/rand/v2"
	"slices"

	"waybill/harness/history"
)

// Mutator is one way to edit a history.
type Mutator struct {
	Family string // drop, add, swap, forge, late, early, split or move
	Name   string // what exactly, in words that read on from the family
	apply  func(d *draft) bool
}

// Apply edits one lane of h, which is left as it is. It reports false when the history offers no place for it.
func (m Mutator) Apply(rng *rand.Rand, h history.Memory, lane uint32) (history.Memory, bool) {
	d := newDraft(rng, h, lane)
	if !m.apply(d) {
		return nil, false
	}
	return d.events, true
}

// All is every mutator, family by family.
func All() []Mutator {
	return slices.Concat(drops(), adds(), swaps(), forgeries(), shifts(), splits(), moves())
}

// draft is a history that is being edited.
type draft struct {
	rng    *rand.Rand
	events history.Memory
	mine   []bool // by event: whether it is the lane's
}

type scanID struct {
	life history.Life
	tag  uint64
}

func newDraft(rng *rand.Rand, h history.Memory, lane uint32) *draft {
	d := &draft{rng: rng, events: slices.Clone(h)}
	lives := map[history.Life]uint32{}
	scans := map[scanID]bool{}
	for i := range d.events {
		e := &d.events[i]
		at := e.Lane
		if at == 0 {
			at = lives[e.Life]
		}
		mine := at == lane
		switch e.Kind {
		case history.LifeStart:
			lives[e.Other] = e.Lane
			mine = false
		case history.ScanBegin:
			scans[scanID{e.Life, e.Tag}] = mine
		case history.Copy, history.ScanEnd:
			mine = scans[scanID{e.Life, e.Tag}]
		}
		d.mine = append(d.mine, mine)
	}
	return d
}

// which is a condition on an event.
type which func(e *history.Event) bool

// kind is true of events of some kinds that are visible to readers.
func kind(kinds ...history.Kind) which {
	return func(e *history.Event) bool { return slices.Contains(kinds, e.Kind) && e.Flags&history.Invisible == 0 }
}

func ended(s history.Status) which {
	return func(e *history.Event) bool { return e.Kind == history.Outcome && e.Status == s }
}

// all is the places of the lane's events for which want holds.
func (d *draft) all(want which) []int {
	var out []int
	for i := range d.events {
		if d.mine[i] && want(&d.events[i]) {
			out = append(out, i)
		}
	}
	return out
}

// one is one of them, at random; -1 if there is none.
func (d *draft) one(want which) int {
	fit := d.all(want)
	if len(fit) == 0 {
		return -1
	}
	return fit[d.rng.IntN(len(fit))]
}

// remove drops the events at some places.
func (d *draft) remove(at []int) bool {
	for _, i := range slices.Backward(at) {
		d.events = slices.Delete(d.events, i, i+1)
		d.mine = slices.Delete(d.mine, i, i+1)
	}
	return len(at) > 0
}

// insert puts an event of the lane before the one at i, at its time.
func (d *draft) insert(i int, e history.Event) {
	e.Time = d.events[i].Time
	d.events = slices.Insert(d.events, i, e)
	d.mine = slices.Insert(d.mine, i, true)
}

// sent is a message that the lane's producers sent, at random.
func (d *draft) sent() (history.Msg, bool) {
	i := d.one(kind(history.Send))
	if i < 0 {
		return history.Msg{}, false
	}
	return d.events[i].Msg, true
}

// change edits one event for which want holds.
func change(want which, how func(d *draft, e *history.Event)) func(*draft) bool {
	return func(d *draft) bool {
		i := d.one(want)
		if i < 0 {
			return false
		}
		how(d, &d.events[i])
		return true
	}
}
