package plant

import "waybill/harness/history"

// seat is a partition in the hands of a consumer.
type seat struct {
	life      history.Life
	partition uint32
}

// course is what came to one consumer from one partition since its position was last set.
type course struct {
	next       int64 // the position to come next; 0: not known
	since      int64 // the tick at which the position was set
	deliveries []int // indices
}

// step is a delivery that continues a course in order.
type step struct {
	at     seat
	course *course
	nth    int // of the course's deliveries
}

// steps are the deliveries that continue a course where the one before ended, or where the course began, by index. Those within a tick of
// the beginning or end of a course are none: nobody knows which was first.
func (p *plot) steps() map[int]step {
	open := map[seat]*course{}
	out := map[int]step{}
	set := func(at seat, next, now int64) {
		if c := open[at]; c != nil {
			for _, i := range c.deliveries {
				if p.events[i].Time >= now {
					delete(out, i)
				}
			}
		}
		open[at] = &course{next: next, since: now}
	}
	for i := range p.events {
		e := &p.events[i]
		if p.laneOf[i] != int64(p.lane) {
			continue
		}
		at := seat{e.Life, e.Pos.Partition}
		switch e.Kind {
		case history.Assign:
			set(at, e.Pos.Offset, e.Time)
		case history.Seek, history.Reset:
			set(at, e.To, e.Time)
		case history.Revoke, history.Lost:
			set(at, 0, e.Time)
		case history.TxnOutcome:
			for at := range open {
				if at.life == e.Life && e.Status != history.OK {
					set(at, 0, e.Time)
				}
			}
		case history.Delivery:
			c := open[at]
			if c == nil {
				continue
			}
			if e.Time > c.since && e.Pos.Offset == c.next {
				out[i] = step{at, c, len(c.deliveries)}
			}
			c.deliveries = append(c.deliveries, i)
			if c.next = 0; e.Pos.Offset > 0 {
				c.next = e.Pos.Offset + 1
			}
		}
	}
	return out
}

// any is one of the indices for which want holds, at random.
func (p *plot) any(from map[int]step, want func(i int, s step) bool) (int, step, bool) {
	i, ok := p.some(func(e *history.Event) bool {
		if e.Kind != history.Delivery {
			return false
		}
		i := p.index(e)
		s, ok := from[i]
		return ok && want(i, s)
	})
	return i, from[i], ok
}

// index is where an event of the plot lies.
func (p *plot) index(e *history.Event) int {
	for i := range p.events {
		if &p.events[i] == e {
			return i
		}
	}
	return -1
}

// following is the delivery after one, if it continues the course.
func (s step) following(steps map[int]step) (int, bool) {
	if s.nth+1 >= len(s.course.deliveries) {
		return 0, false
	}
	j := s.course.deliveries[s.nth+1]
	_, ok := steps[j]
	return j, ok
}

// jumpOver takes the delivery of a message out of the course of a consumer, which has the effect all the same.
func jumpOver(p *plot) (Planted, bool) {
	steps := p.steps()
	i, s, ok := p.any(steps, func(i int, s step) bool {
		j, ok := s.following(steps)
		if !ok {
			return false
		}
		m, n := p.events[i].Msg, p.events[j].Msg
		f, g := p.facts[m], p.facts[n]
		return f != nil && g != nil && ordinary(m, f) && ordinary(n, g) && f.deliveries == 1 && p.after(i) == p.after(j)
	})
	if !ok {
		return Planted{}, false
	}
	j, _ := s.following(steps)
	out := Planted{Msgs: []history.Msg{p.events[i].Msg}, Episode: p.after(j)}
	p.drop(func(at int, _ *history.Event) bool { return at == i })
	return out, true
}

// stepBack delivers a copy twice in a row.
func stepBack(p *plot) (Planted, bool) {
	steps := p.steps()
	i, _, ok := p.any(steps, func(i int, _ step) bool {
		f := p.facts[p.events[i].Msg]
		return f != nil && f.deliveries == 1
	})
	if !ok {
		return Planted{}, false
	}
	out := Planted{Msgs: []history.Msg{p.events[i].Msg}, Episode: p.after(i)}
	p.insert(i, p.events[i])
	return out, true
}

// passOne exchanges two messages on their way to a consumer: of one key and session, the second sent when the first had been acknowledged.
func passOne(p *plot) (Planted, bool) {
	steps := p.steps()
	other := func(i int, s step) (int, bool) {
		m := p.events[i].Msg
		f := p.facts[m]
		if f == nil || f.acks == 0 || f.deliveries != 1 {
			return 0, false
		}
		for _, j := range s.course.deliveries[s.nth+1:] {
			n := p.events[j].Msg
			g := p.facts[n]
			if g == nil || n.Life != m.Life || g.key != f.key || g.session != f.session {
				continue
			}
			_, ok := steps[j]
			return j, ok && g.deliveries == 1 && p.events[f.resolved].Time < p.events[g.first].Time && g.first < i && p.after(i) == p.after(j)
		}
		return 0, false
	}
	i, s, ok := p.any(steps, func(i int, s step) bool {
		_, ok := other(i, s)
		return ok
	})
	if !ok {
		return Planted{}, false
	}
	j, _ := other(i, s)
	e, g := &p.events[i], &p.events[j]
	out := Planted{Msgs: []history.Msg{e.Msg}, Episode: p.after(j)}
	e.Msg, g.Msg = g.Msg, e.Msg
	return out, true
}

// deliverElsewhere adds a receive call of another consumer, right behind the delivery of a copy, which fetches it as well.
func deliverElsewhere(p *plot) (Planted, bool) {
	calm := p.calm()
	i, ok := p.some(func(e *history.Event) bool {
		f := p.facts[e.Msg]
		return e.Kind == history.Delivery && e.Pos.Offset > 0 && f != nil && f.deliveries == 1 && calm[p.index(e)] != 0
	})
	if !ok || i+1 >= len(p.events) {
		return Planted{}, false
	}
	e := p.events[i]
	e.Life, e.Segment = calm[i], int(calm[i])
	e.Call, e.Count, e.Flags = 1<<40, 2, history.Redelivered
	out := Planted{Msgs: []history.Msg{e.Msg}, Episode: p.after(i)}
	p.insert(i+1, e)
	p.insert(i+1, history.Event{Kind: history.Receive, Life: e.Life, Segment: e.Segment, Lane: e.Lane, Call: e.Call})
	return out, true
}

// calm says of the lane's deliveries which other consumer was there, while no fault was at work and nobody became leader since the receive
// call that fetched it.
func (p *plot) calm() map[int]history.Life {
	out := map[int]history.Life{}
	alive, begun := map[history.Life]bool{}, map[history.Life]int64{}
	acting, restless := false, int64(-1)
	for i := range p.events {
		e := &p.events[i]
		switch e.Kind {
		case history.LifeStart:
			if e.Text == "consumer" && e.Lane == p.lane {
				alive[e.Other] = true
			}
		case history.LifeEnd:
			delete(alive, e.Other)
		case history.FaultInject:
			acting = true
		case history.FaultVerified:
			acting, restless = false, e.Time
		case history.Leader:
			restless = e.Time
		}
		if p.laneOf[i] != int64(p.lane) {
			continue
		}
		switch e.Kind {
		case history.Receive:
			begun[e.Life] = e.Time
		case history.Delivery:
			if acting || restless >= begun[e.Life] {
				continue
			}
			for id := range alive {
				if id != e.Life {
					out[i] = max(out[i], id)
				}
			}
		}
	}
	return out
}
