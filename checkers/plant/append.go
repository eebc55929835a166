package plant

import "waybill/harness/history"

// appendBefore exchanges the positions of two neighbours of one partition which are of different producers or keys, the second one
// sent when the first was confirmed: everywhere, so that all observations agree. No order of a session is touched, and nobody but
// the second is out of real-time order.
func appendBefore(p *plot) (Planted, bool) {
	at := map[spot]history.Msg{}
	for _, m := range p.msgs {
		if f := p.facts[m]; f.pos.offset > 0 {
			at[f.pos] = m
		}
	}
	behind := func(f *facts) spot { return spot{f.pos.partition, f.pos.offset + 1} }
	m, f, ok := p.pick(func(m history.Msg, f *facts) bool {
		n, ok := at[behind(f)]
		if !ok || !ordinary(m, f) {
			return false
		}
		g := p.facts[n]
		apart := m.Life != n.Life || f.session != g.session || f.key != g.key
		return apart && ordinary(n, g) && p.events[f.resolved].Time < p.events[g.first].Time && p.after(g.resolved) > 0 &&
			p.after(f.resolved) == p.after(g.resolved) && p.delivered(m) > g.first // else what lies there was delivered before it was sent
	})
	if !ok {
		return Planted{}, false
	}
	n := at[behind(f)]
	g := p.facts[n]
	p.trade(m, f.pos, n, g.pos)
	return Planted{Msgs: []history.Msg{n}, Episode: p.after(g.resolved)}, true
}

// delivered is the index of the first delivery of a message; the number of events where there is none.
func (p *plot) delivered(m history.Msg) int {
	for i, e := range p.events {
		if e.Kind == history.Delivery && e.Msg == m {
			return i
		}
	}
	return len(p.events)
}

// trade exchanges the positions of two messages wherever they were observed. Consumers get what lies at a position when its turn comes.
func (p *plot) trade(m history.Msg, at spot, n history.Msg, other spot) {
	p.edit(func(_ int, e *history.Event) {
		switch {
		case e.Kind == history.Outcome || e.Kind == history.Copy:
			exchange(e, m, at, n, other)
		case e.Msg == m && spotOf(e) == at:
			e.Msg = n
		case e.Msg == n && spotOf(e) == other:
			e.Msg = m
		}
	})
}
