package plant

import "waybill/harness/history"

func effects(e *history.Event) bool {
	return e.Kind == history.Readback || e.Kind == history.ApplyBegin || e.Kind == history.ApplyEnd || e.Kind == history.TxnMember
}

func deliveries(e *history.Event) bool {
	return effects(e) || e.Kind == history.Delivery || e.Kind == history.AckCalled || e.Kind == history.AckOutcome
}

// lose drops what gone says of an ordinary message.
func (p *plot) lose(gone func(e *history.Event) bool, fit func(*facts) bool) (Planted, bool) {
	m, f, ok := p.pick(func(m history.Msg, f *facts) bool { return ordinary(m, f) && fit(f) && p.after(f.resolved) > 0 })
	if !ok {
		return Planted{}, false
	}
	out := Planted{Msgs: []history.Msg{m}, Episode: p.after(f.resolved)}
	p.drop(func(_ int, e *history.Event) bool { return e.Msg == m && gone(e) })
	return out, true
}

func whatever(*facts) bool { return true }

func dropDeliveries(p *plot) (Planted, bool) { return p.lose(deliveries, whatever) }

func dropApplication(p *plot) (Planted, bool) {
	return p.lose(effects, func(f *facts) bool { return f.called > 0 })
}

func dropEffect(p *plot) (Planted, bool) {
	return p.lose(func(e *history.Event) bool { return e.Kind == history.Readback }, func(f *facts) bool { return f.applies > 0 })
}

// dropEffectLater drops a message from every readback but the first one that has it.
func dropEffectLater(p *plot) (Planted, bool) {
	m, f, ok := p.pick(func(m history.Msg, f *facts) bool { return ordinary(m, f) && f.reads > 1 })
	if !ok {
		return Planted{}, false
	}
	first := p.after(f.resolved)
	out := Planted{Msgs: []history.Msg{m}}
	p.drop(func(i int, e *history.Event) bool {
		gone := e.Msg == m && e.Kind == history.Readback && int(e.Ref) > first
		if gone && out.Episode == 0 {
			out.Episode = p.after(i)
		}
		return gone
	})
	return out, out.Episode > 0
}

func everything(e *history.Event) bool { return deliveries(e) || e.Kind == history.Copy }

func dropAll(p *plot) (Planted, bool) { return p.lose(everything, whatever) }

func dropAllUnplaced(p *plot) (Planted, bool) {
	out, ok := p.lose(everything, whatever)
	if !ok {
		return out, false
	}
	for i := range p.events {
		if e := &p.events[i]; e.Kind == history.Outcome && e.Msg == out.Msgs[0] {
			e.Pos = history.Position{}
		}
	}
	return out, true
}

// dropFromStore drops a message from the scans of every checkpoint but the first one that has it.
func dropFromStore(p *plot) (Planted, bool) {
	m, f, ok := p.pick(func(m history.Msg, f *facts) bool { return ordinary(m, f) && p.laterScan(p.after(f.resolved)) > 0 })
	if !ok {
		return Planted{}, false
	}
	from := p.laterScan(p.after(f.resolved))
	p.drop(func(i int, e *history.Event) bool { return e.Msg == m && e.Kind == history.Copy && p.after(i) >= from })
	return Planted{Msgs: []history.Msg{m}, Episode: from}, true
}

// laterScan is the first checkpoint after another one that has a scan.
func (p *plot) laterScan(ref int) int {
	for _, s := range p.scans {
		if s.ref > ref && ref > 0 {
			return s.ref
		}
	}
	return 0
}

// dropFromReplica drops a message from one scan of a checkpoint whose other scans are of other replicas.
func dropFromReplica(p *plot) (Planted, bool) {
	m, f, ok := p.pick(func(m history.Msg, f *facts) bool { return ordinary(m, f) && p.after(f.resolved) > 0 })
	if !ok {
		return Planted{}, false
	}
	s, ok := p.lastOf(p.after(f.resolved))
	if !ok {
		return Planted{}, false
	}
	p.drop(func(i int, e *history.Event) bool {
		return e.Msg == m && e.Kind == history.Copy && e.Tag == s.tag && e.Life == s.life && i > s.begin && i < s.end
	})
	return Planted{Msgs: []history.Msg{m}, Episode: s.ref}, true
}

// lastOf is the last scan of a checkpoint, if another replica was scanned there as well.
func (p *plot) lastOf(ref int) (scan, bool) {
	var last scan
	replicas := map[string]bool{}
	for _, s := range p.scans {
		if s.ref == ref {
			last = s
			replicas[s.replica] = true
		}
	}
	return last, len(replicas) > 1
}
