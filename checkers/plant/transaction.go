package plant

import "waybill/harness/history"

// txnID names a transaction attempt.
type txnID struct {
	life   history.Life
	number uint64
}

// txn is what the history says of one.
type txn struct {
	id      txnID
	members []history.Msg
	called  bool
	ended   history.Status
	last    int // index of its last event
	outputs int // read back, visible or not
}

// transactions surveys the lane's, in order.
func (p *plot) transactions() []*txn {
	var all []*txn
	by := map[txnID]*txn{}
	for i := range p.events {
		e := &p.events[i]
		if p.laneOf[i] != int64(p.lane) || e.Txn == 0 {
			continue
		}
		if e.Kind == history.Readback {
			if t := by[txnID{e.Other, e.Txn}]; t != nil {
				t.outputs++
			}
			continue
		}
		id := txnID{e.Life, e.Txn}
		t := by[id]
		if t == nil {
			t = &txn{id: id}
			by[id] = t
			all = append(all, t)
		}
		t.last = i
		switch e.Kind {
		case history.TxnMember:
			t.members = append(t.members, e.Msg)
		case history.TxnEnd:
			t.called = e.Flags&history.Commit != 0
		case history.TxnOutcome:
			t.ended = e.Status
		}
	}
	return all
}

// choose is one of the lane's transactions, at random.
func (p *plot) choose(want func(t *txn) bool) (*txn, bool) {
	var fit []*txn
	for _, t := range p.transactions() {
		if want(t) && t.outputs > 0 && p.after(t.last) > 0 {
			fit = append(fit, t)
		}
	}
	if len(fit) == 0 {
		return nil, false
	}
	return fit[p.rng.IntN(len(fit))], true
}

// show makes outputs of a transaction visible to readers of committed messages, or hides them.
func (p *plot) show(t *txn, visible bool, which func(history.Msg) bool) {
	p.edit(func(_ int, e *history.Event) {
		if e.Kind != history.Readback || (txnID{e.Other, e.Txn}) != t.id || !which(e.Msg) {
			return
		}
		if e.Flags &^= history.Invisible; !visible {
			e.Flags |= history.Invisible
		}
	})
}

// written reports whether every member was acknowledged to its producer, so that it is lost when its output is not seen.
func (p *plot) written(t *txn) bool {
	for _, m := range t.members {
		if f := p.facts[m]; f == nil || !ordinary(m, f) {
			return false
		}
	}
	return t.ended == history.OK
}

func tear(p *plot) (Planted, bool) {
	t, ok := p.choose(func(t *txn) bool { return p.written(t) && len(t.members) > 1 })
	if !ok {
		return Planted{}, false
	}
	m := t.members[p.rng.IntN(len(t.members))]
	p.show(t, false, func(n history.Msg) bool { return n == m })
	return Planted{Msgs: []history.Msg{m}, Episode: p.after(t.last)}, true
}

func hideAll(p *plot) (Planted, bool) {
	t, ok := p.choose(p.written)
	if !ok {
		return Planted{}, false
	}
	p.show(t, false, func(history.Msg) bool { return true })
	return Planted{Msgs: t.members, Episode: p.after(t.last)}, true
}

func showAborted(p *plot) (Planted, bool) {
	return p.resurrect(func(t *txn) bool { return t.ended == history.Aborted })
}

func showUncalled(p *plot) (Planted, bool) {
	return p.resurrect(func(t *txn) bool { return !t.called && t.ended == history.NoStatus })
}

func (p *plot) resurrect(want func(t *txn) bool) (Planted, bool) {
	t, ok := p.choose(want)
	if !ok {
		return Planted{}, false
	}
	p.show(t, true, func(history.Msg) bool { return true })
	return Planted{Msgs: t.members, Episode: p.after(t.last)}, true
}
