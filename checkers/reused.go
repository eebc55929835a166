package checkers

import (
	"fmt"

	"waybill/checkers/msgset"
	"waybill/harness/history"
)

// reuse is a position of a message that went away, at which another message lies since: a log was cut back and written anew.
type reuse struct {
	by    history.Msg
	at    history.Position
	since uint64 // the epoch in which the first one lay there, where an observation told; else 0
}

// slot is one position of a queue, whatever the epoch.
type slot struct {
	partition uint32
	offset    int64
}

// reused is what the second reading learns of the positions of lost and vanished messages. A confirmation seldom says in which epoch the
// message was written; a copy or a delivery of it does, where the broker has epochs.
type reused struct {
	asked *msgset.Set
	lay   map[slot]history.Msg
	epoch map[history.Msg]history.Position // a position of it that names its epoch
	found map[history.Msg]reuse
}

func newReused(asked *msgset.Set) *reused {
	return &reused{asked: asked, lay: map[slot]history.Msg{}, epoch: map[history.Msg]history.Position{}, found: map[history.Msg]reuse{}}
}

// placed notes where a message in question was acknowledged to be, or seen.
func (r *reused) placed(m history.Msg, p history.Position) {
	if p.Offset == 0 || !r.asked.Has(m) {
		return
	}
	at := slot{p.Partition, p.Offset}
	if _, taken := r.lay[at]; !taken {
		r.lay[at] = m
	}
	if p.Epoch != 0 && r.epoch[m].Epoch == 0 {
		r.epoch[m] = p
	}
}

// copy compares a copy that a scan found with who lay there. It returns the message whose position another one has within one epoch:
// that is no log cut back, but one that contradicts itself.
func (r *reused) copy(e *history.Event) (history.Msg, bool) {
	if len(r.lay) == 0 {
		return history.Msg{}, false
	}
	m, ok := r.lay[slot{e.Pos.Partition, e.Pos.Offset}]
	before := r.epoch[m]
	if !ok || m == e.Msg || before.Incarnation != 0 && before.Incarnation != e.Pos.Incarnation {
		return history.Msg{}, false
	}
	if _, known := r.found[m]; !known {
		r.found[m] = reuse{e.Msg, e.Pos, before.Epoch}
	}
	return m, before.Epoch != 0 && before.Epoch == e.Pos.Epoch
}

// tell says in the details of losses whose positions were reused.
func (r *reused) tell(l *lane, run string) {
	for _, c := range l.found {
		if c.group != lossGroup && c.group != vanishedGroup {
			continue
		}
		var n int
		var first string
		for m := range c.msgs.All() {
			u, ok := r.found[m]
			if !ok {
				continue
			}
			if n++; n == 1 {
				first = fmt.Sprintf("position %d of partition %d, where %s was, was reused by %s%s", u.at.Offset, u.at.Partition,
					m.Prefix(run), u.by.Prefix(run), u.epochs())
			}
		}
		switch {
		case n == 0:
			continue
		case n > 1:
			first = fmt.Sprintf("the positions of %d of them hold other messages now: %s", n, first)
		}
		if c.detail != "" {
			first = c.detail + "; " + first
		}
		c.detail = first
	}
}

func (u reuse) epochs() string {
	switch {
	case u.at.Epoch == 0:
		return " (epochs are not known)"
	case u.since == 0:
		return fmt.Sprintf(", epoch %d (the epoch of the confirmation is not known)", u.at.Epoch)
	}
	return fmt.Sprintf(", epoch %d (before: epoch %d)", u.at.Epoch, u.since)
}
