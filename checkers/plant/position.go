package plant

import "waybill/harness/history"

// swapCopies exchanges where two messages lie, in every scan.
func swapCopies(p *plot) (Planted, bool) {
	m, f, ok := p.pick(func(m history.Msg, f *facts) bool { return ordinary(m, f) && p.after(f.resolved) > 0 })
	if !ok {
		return Planted{}, false
	}
	n, g, ok := p.pick(func(n history.Msg, g *facts) bool {
		return ordinary(n, g) && n != m && p.after(g.resolved) == p.after(f.resolved)
	})
	if !ok {
		return Planted{}, false
	}
	p.edit(func(_ int, e *history.Event) {
		if e.Kind == history.Copy {
			exchange(e, m, f.pos, n, g.pos)
		}
	})
	return Planted{Msgs: []history.Msg{m, n}, Episode: p.after(f.resolved)}, true
}

func exchange(e *history.Event, m history.Msg, at spot, n history.Msg, other spot) {
	switch {
	case e.Msg == m && spotOf(e) == at:
		e.Pos.Partition, e.Pos.Offset = other.partition, other.offset
	case e.Msg == n && spotOf(e) == other:
		e.Pos.Partition, e.Pos.Offset = at.partition, at.offset
	}
}

// forgeConfirmation makes one message's confirmations name the position of another one.
func forgeConfirmation(p *plot) (Planted, bool) {
	m, f, ok := p.pick(func(m history.Msg, f *facts) bool { return ordinary(m, f) && p.after(f.resolved) > 0 })
	if !ok {
		return Planted{}, false
	}
	// A position further on keeps this from being a reordering of the message itself, and the last one lies beyond every
	// other confirmation that could be compared with it.
	_, g, ok := p.pick(func(n history.Msg, g *facts) bool {
		return ordinary(n, g) && n != m && p.after(g.resolved) == p.after(f.resolved)
	})
	if !ok {
		return Planted{}, false
	}
	p.edit(func(_ int, e *history.Event) {
		if e.Kind == history.Outcome && e.Msg == m && e.Pos.Offset != 0 {
			e.Pos.Partition, e.Pos.Offset = g.pos.partition, g.pos.offset
		}
	})
	return Planted{Msgs: []history.Msg{m}, Episode: p.after(f.resolved)}, true
}

// swapUnconfirmed exchanges two messages that nobody was told the position of, in the last scan of a checkpoint only.
func swapUnconfirmed(p *plot) (Planted, bool) {
	quiet := func(f *facts) bool { return f.acks == 0 && len(f.copies) == 1 && p.after(f.first) > 0 }
	m, f, ok := p.pick(func(_ history.Msg, f *facts) bool { return quiet(f) })
	if !ok {
		return Planted{}, false
	}
	n, g, ok := p.pick(func(n history.Msg, g *facts) bool { return n != m && quiet(g) && p.after(g.first) == p.after(f.first) })
	if !ok {
		return Planted{}, false
	}
	s, ok := p.lastOf(p.after(f.first))
	if !ok {
		return Planted{}, false
	}
	p.edit(func(i int, e *history.Event) {
		if e.Kind == history.Copy && i > s.begin && i < s.end {
			exchange(e, m, only(f.copies), n, only(g.copies))
		}
	})
	return Planted{Msgs: []history.Msg{m, n}, Episode: s.ref}, true
}

func only(set map[spot]bool) spot {
	for at := range set {
		return at
	}
	return spot{}
}

// reorder exchanges the positions of a message and the next one of its key, sent when the first was confirmed: everywhere, so
// that all observations agree, on the wrong order.
func reorder(p *plot) (Planted, bool) {
	next := map[history.Msg]history.Msg{}
	last := map[[3]uint64]history.Msg{}
	for _, m := range p.msgs {
		f := p.facts[m]
		k := [3]uint64{uint64(m.Life), uint64(f.session), uint64(f.key)}
		if before, ok := last[k]; ok {
			next[before] = m
		}
		last[k] = m
	}
	m, f, ok := p.pick(func(m history.Msg, f *facts) bool {
		n, ok := next[m]
		if !ok || !ordinary(m, f) {
			return false
		}
		g := p.facts[n]
		return ordinary(n, g) && p.events[f.resolved].Time < p.events[g.first].Time && f.pos.partition == g.pos.partition && f.pos.offset < g.pos.offset && p.after(g.resolved) == p.after(f.resolved) &&
			p.after(g.resolved) > 0
	})
	if !ok {
		return Planted{}, false
	}
	n := next[m]
	g := p.facts[n]
	p.trade(m, f.pos, n, g.pos)
	return Planted{Msgs: []history.Msg{n}, Episode: p.after(g.resolved)}, true
}

func noSentinel(p *plot) (Planted, bool) {
	i, ok := p.some(func(e *history.Event) bool { return e.Kind == history.ServiceHealed })
	if !ok {
		return Planted{}, false
	}
	p.events[i].Status, p.events[i].Reason = history.Failed, history.LimitReached
	return Planted{Episode: int(p.events[i].Ref)}, true
}

func noDrain(p *plot) (Planted, bool) {
	if len(p.ends) == 0 {
		return Planted{}, false
	}
	b := p.ends[p.rng.IntN(len(p.ends))]
	e := &p.events[b.index]
	e.Status, e.Reason, e.Text = history.Failed, history.LimitReached, "3 pending"
	return Planted{Episode: b.ref}, true
}

func reuseLater(p *plot) (Planted, bool) { return p.reuse(1) }
func reuseNow(p *plot) (Planted, bool)   { return p.reuse(0) }

// reuse takes a stored message out of every scan from a checkpoint on, and puts one there that was sent after the checkpoint before: at
// the position of the first, as its confirmation says too, some epochs later or in the same one.
func (p *plot) reuse(epochs uint64) (Planted, bool) {
	m, f, ok := p.pick(func(m history.Msg, f *facts) bool { return ordinary(m, f) && p.laterScan(p.after(f.resolved)) > 0 })
	if !ok {
		return Planted{}, false
	}
	from := p.laterScan(p.after(f.resolved))
	n, g, ok := p.pick(func(n history.Msg, g *facts) bool {
		return ordinary(n, g) && p.after(g.first) == from && p.after(g.resolved) == from && g.acks == 1 && g.deliveries == 1 && g.pos.partition == f.pos.partition
	})
	if !ok {
		return Planted{}, false
	}
	var epoch uint64
	p.edit(func(_ int, e *history.Event) {
		if e.Kind == history.Copy && e.Msg == m {
			epoch = e.Pos.Epoch
		}
	})
	p.edit(func(_ int, e *history.Event) {
		if e.Msg == n && spotOf(e) == g.pos && (e.Kind == history.Outcome || e.Kind == history.Copy) {
			e.Pos.Offset = f.pos.offset
			if e.Pos.Epoch > 0 {
				e.Pos.Epoch = epoch + epochs
			}
		}
	})
	p.drop(func(i int, e *history.Event) bool { return e.Msg == m && e.Kind == history.Copy && p.after(i) >= from })
	return Planted{Msgs: []history.Msg{m}, Episode: from}, true
}
