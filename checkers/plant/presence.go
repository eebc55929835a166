package plant

import "waybill/harness/history"

// forged is a message that no producer of the history sent, of a producer that exists.
func (p *plot) forged() (history.Msg, bool) {
	m, _, ok := p.pick(func(history.Msg, *facts) bool { return true })
	m.Seq = 900_000_000 + uint64(p.rng.IntN(1_000_000))
	return m, ok
}

// some is the index of one of the lane's events, at random.
func (p *plot) some(want func(e *history.Event) bool) (int, bool) {
	var fit []int
	for i := range p.events {
		if p.laneOf[i] == int64(p.lane) && want(&p.events[i]) && p.after(i) > 0 {
			fit = append(fit, i)
		}
	}
	if len(fit) == 0 {
		return 0, false
	}
	return fit[p.rng.IntN(len(fit))], true
}

func storeTwice(p *plot) (Planted, bool) {
	m, f, ok := p.pick(func(m history.Msg, f *facts) bool { return ordinary(m, f) && p.after(f.resolved) > 0 })
	if !ok {
		return Planted{}, false
	}
	ref := p.after(f.resolved)
	return Planted{Msgs: []history.Msg{m}, Episode: ref}, p.extend(ref, m, f.pos.partition)
}

func forgeCopy(p *plot) (Planted, bool) {
	m, ok := p.forged()
	if !ok || len(p.scans) == 0 {
		return Planted{}, false
	}
	ref := p.scans[p.rng.IntN(len(p.scans))].ref
	return Planted{Msgs: []history.Msg{m}, Episode: ref}, p.extend(ref, m, 0)
}

func forgeDelivery(p *plot) (Planted, bool) { return p.forge(history.Delivery) }
func forgeEffect(p *plot) (Planted, bool)   { return p.forge(history.Readback) }

// forge adds an event of a kind with a token that nobody sent, beside one that is genuine.
func (p *plot) forge(k history.Kind) (Planted, bool) {
	i, ok := p.some(func(e *history.Event) bool { return e.Kind == k && e.Flags&history.Invisible == 0 })
	m, ok2 := p.forged()
	if !ok || !ok2 {
		return Planted{}, false
	}
	e := p.events[i]
	e.Msg = m
	if k == history.Delivery {
		e.Pos = history.Position{}
	}
	out := Planted{Msgs: []history.Msg{m}, Episode: p.after(i)}
	p.insert(i, e)
	return out, true
}

// corruptCopy damages a message in every scan.
func corruptCopy(p *plot) (Planted, bool) {
	m, f, ok := p.pick(func(m history.Msg, f *facts) bool { return ordinary(m, f) && p.after(f.resolved) > 0 })
	if !ok {
		return Planted{}, false
	}
	p.edit(func(_ int, e *history.Event) {
		if e.Kind == history.Copy && e.Msg == m {
			e.Flags |= history.Corrupt
		}
	})
	return Planted{Msgs: []history.Msg{m}, Episode: p.after(f.resolved)}, true
}

func corruptDelivery(p *plot) (Planted, bool) {
	i, ok := p.some(func(e *history.Event) bool { return e.Kind == history.Delivery })
	if !ok {
		return Planted{}, false
	}
	p.events[i].Flags |= history.Corrupt
	return Planted{Msgs: []history.Msg{p.events[i].Msg}, Episode: p.after(i)}, true
}

func foreignDelivery(p *plot) (Planted, bool) {
	i, ok := p.some(func(e *history.Event) bool { return e.Kind == history.Delivery })
	if !ok {
		return Planted{}, false
	}
	e := p.events[i]
	e.Msg, e.Flags, e.Text = history.Msg{}, history.Foreign, "wb1-otherrun-00001-0000000001-00000000"
	out := Planted{Episode: p.after(i)}
	p.insert(i, e)
	return out, true
}

// rejectAll turns every outcome of a visible message into a certain rejection.
func rejectAll(p *plot) (Planted, bool) {
	m, f, ok := p.pick(func(m history.Msg, f *facts) bool {
		return f.outcomes == f.sends && f.copied > 0 && f.reads > 0 && p.after(f.first) > 0
	})
	if !ok {
		return Planted{}, false
	}
	p.edit(func(_ int, e *history.Event) {
		if e.Kind == history.Outcome && e.Msg == m {
			e.Status, e.Reason, e.Origin, e.Flags, e.Pos = history.Rejected, history.BrokerError, history.FromBroker, 0, history.Position{}
		}
	})
	return Planted{Msgs: []history.Msg{m}, Episode: p.after(f.first)}, true
}

// visible reports whether an event is an effect, read back.
func visible(e *history.Event) bool {
	return e.Kind == history.Readback && e.Flags&history.Invisible == 0
}

// applyTwice repeats an effect in the readback that has it first and all later ones.
func applyTwice(p *plot) (Planted, bool) {
	i, ok := p.some(visible)
	if !ok {
		return Planted{}, false
	}
	m := p.events[i].Msg
	out := Planted{Msgs: []history.Msg{m}}
	for i := len(p.events) - 1; i >= 0; i-- {
		if p.laneOf[i] == int64(p.lane) && p.events[i].Msg == m && visible(&p.events[i]) {
			out.Episode = p.after(i)
			p.insert(i, p.events[i])
		}
	}
	return out, true
}

func deliverTwice(p *plot) (Planted, bool) {
	i, ok := p.some(func(e *history.Event) bool { return e.Kind == history.Delivery })
	if !ok {
		return Planted{}, false
	}
	out := Planted{Msgs: []history.Msg{p.events[i].Msg}, Episode: p.after(i)}
	p.insert(i, p.events[i])
	return out, true
}

// deliverAgain adds a receive call, begun after an acknowledgement was confirmed, which fetches the same copy again.
func deliverAgain(p *plot) (Planted, bool) {
	i, ok := p.some(func(e *history.Event) bool { return e.Kind == history.AckOutcome && e.Status == history.Confirmed })
	if !ok {
		return Planted{}, false
	}
	ack := p.events[i]
	later := i
	for later < len(p.events) && p.events[later].Time <= ack.Time {
		later++
	}
	out := Planted{Msgs: []history.Msg{ack.Msg}, Episode: p.after(i)}
	if later == len(p.events) || p.after(later) != out.Episode {
		return Planted{}, false
	}
	call := history.Event{Kind: history.Receive, Life: ack.Life, Segment: ack.Segment, Lane: ack.Lane, Call: 1 << 40}
	again := history.Event{Kind: history.Delivery, Life: ack.Life, Segment: ack.Segment, Lane: ack.Lane, Call: 1 << 40, Msg: ack.Msg, Pos: ack.Pos, Count: 9, Flags: history.Redelivered}
	p.insert(later, again)
	p.insert(later, call)
	return out, true
}
