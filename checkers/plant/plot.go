package plant

import (
	"math/rand/v2"
	"slices"

	"waybill/harness/history"
)

// plot is one lane of a history, surveyed for places to plant.
type plot struct {
	rng    *rand.Rand
	lane   uint32
	events history.Memory
	laneOf []int64    // of each event; -1 for none
	ends   []boundary // the lane's checkpoints
	scans  []scan     // complete ones of the lane
	msgs   []history.Msg
	facts  map[history.Msg]*facts
}

type boundary struct {
	index int // of CheckpointEnd
	ref   int
}

// scan is where a scan lies in the history: begin and end are indices of its first ScanBegin and of its ScanEnd, begins of all, by partition.
type scan struct {
	begin, end int
	begins     map[uint32]int
	ref        int
	replica    string
	life       history.Life
	tag        uint64
}

// facts is what the history says of one message.
type facts struct {
	sends, outcomes, acks, deliveries, called, applies, reads int
	first                                                     int // index of its first send
	resolved                                                  int // of its first acknowledging outcome
	pos                                                       spot
	key, session                                              uint32
	copies                                                    map[spot]bool
	copied                                                    int
}

// spot is a position without what producers do not know of it.
type spot struct {
	partition uint32
	offset    int64
}

func spotOf(e *history.Event) spot { return spot{e.Pos.Partition, e.Pos.Offset} }

type scanKey struct {
	life history.Life
	tag  uint64
}

func survey(rng *rand.Rand, h history.Memory, lane uint32) *plot {
	p := &plot{rng: rng, lane: lane, events: slices.Clone(h), facts: map[history.Msg]*facts{}}
	lives := map[history.Life]uint32{}
	open := map[scanKey]scan{}
	for i := range p.events {
		e := &p.events[i]
		at := int64(e.Lane)
		if at == 0 {
			at = int64(lives[e.Life])
		}
		switch e.Kind {
		case history.LifeStart:
			lives[e.Other] = e.Lane
			at = -1
		case history.ScanBegin:
			if at != int64(lane) {
				break
			}
			s, ok := open[scanKey{e.Life, e.Tag}]
			if !ok {
				s = scan{begin: i, begins: map[uint32]int{}, ref: int(e.Ref), replica: e.Name, life: e.Life, tag: e.Tag}
				open[scanKey{e.Life, e.Tag}] = s
			}
			s.begins[e.Pos.Partition] = i
		case history.Copy, history.ScanEnd:
			at = -1
			s, ok := open[scanKey{e.Life, e.Tag}]
			if !ok {
				break
			}
			at = int64(lane)
			if e.Kind == history.ScanEnd {
				s.end = i
				delete(open, scanKey{e.Life, e.Tag})
				if e.Status == history.OK {
					p.scans = append(p.scans, s)
				}
			}
		case history.CheckpointEnd:
			if at = int64(e.Lane); at == int64(lane) {
				p.ends = append(p.ends, boundary{i, int(e.Ref)})
			}
		}
		p.laneOf = append(p.laneOf, at)
		if at == int64(lane) {
			p.note(i, e)
		}
	}
	return p
}

func (p *plot) note(i int, e *history.Event) {
	f := p.facts[e.Msg]
	if f == nil {
		if e.Kind != history.Send {
			return
		}
		f = &facts{first: i, key: e.Key, session: e.Session, copies: map[spot]bool{}}
		p.facts[e.Msg] = f
		p.msgs = append(p.msgs, e.Msg)
	}
	switch e.Kind {
	case history.Send:
		f.sends++
	case history.Outcome:
		f.outcomes++
		if e.Status == history.Acked {
			if f.acks++; f.acks == 1 {
				f.resolved, f.pos = i, spotOf(e)
			}
		}
	case history.Delivery:
		f.deliveries++
	case history.AckCalled:
		f.called++
	case history.ApplyEnd:
		f.applies++
	case history.Readback:
		if e.Flags&history.Invisible == 0 {
			f.reads++
		}
	case history.Copy:
		f.copies[spotOf(e)] = true
		f.copied++
	}
}

// pick is a message, at random, for which want holds.
func (p *plot) pick(want func(m history.Msg, f *facts) bool) (history.Msg, *facts, bool) {
	var fit []history.Msg
	for _, m := range p.msgs {
		if want(m, p.facts[m]) {
			fit = append(fit, m)
		}
	}
	if len(fit) == 0 {
		return history.Msg{}, nil, false
	}
	m := fit[p.rng.IntN(len(fit))]
	return m, p.facts[m], true
}

// ordinary is a message that was acknowledged, is stored once as far as can be seen, and was applied.
func ordinary(_ history.Msg, f *facts) bool {
	unread := f.pos.offset == 0 && f.copied == 0
	return f.acks > 0 && (unread || f.pos.offset > 0 && len(f.copies) == 1 && f.copies[f.pos]) && f.reads > 0
}

// after is the checkpoint that comes next after an event; 0 when there is none.
func (p *plot) after(i int) int {
	for _, b := range p.ends {
		if b.index > i {
			return b.ref
		}
	}
	return 0
}

// drop removes the lane's events for which gone holds.
func (p *plot) drop(gone func(i int, e *history.Event) bool) {
	var kept history.Memory
	for i := range p.events {
		if p.laneOf[i] == int64(p.lane) && gone(i, &p.events[i]) {
			continue
		}
		kept = append(kept, p.events[i])
	}
	p.events = kept
}

// edit changes the lane's events in place.
func (p *plot) edit(change func(i int, e *history.Event)) {
	for i := range p.events {
		if p.laneOf[i] == int64(p.lane) {
			change(i, &p.events[i])
		}
	}
}

// insert puts an event before the one at index i, at its time.
func (p *plot) insert(i int, e history.Event) {
	e.Time = p.events[i].Time
	p.events = slices.Insert(p.events, i, e)
}

// extend adds a copy at the end of a partition in each of the lane's scans from a checkpoint on, beyond all others.
func (p *plot) extend(ref int, m history.Msg, partition uint32) bool {
	done := false
	for _, s := range slices.Backward(p.scans) {
		if s.ref < ref {
			continue
		}
		end := &p.events[s.end]
		end.Count++
		at := p.last(partition) + 1
		p.events[s.begins[partition]].To = at
		c := history.Event{Kind: history.Copy, Life: end.Life, Segment: end.Segment, Tag: s.tag, Msg: m, Attempt: 1, Pos: history.Position{Partition: partition, Offset: at}}
		p.insert(s.end, c)
		done = true
	}
	return done
}

// last is the furthest position of a partition at which the lane's scans find anything.
func (p *plot) last(partition uint32) int64 {
	var to int64
	for _, f := range p.facts {
		for at := range f.copies {
			if at.partition == partition {
				to = max(to, at.offset)
			}
		}
	}
	return to
}
