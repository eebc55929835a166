package checkers

import (
	"waybill/checkers/msgset"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

func (l *lane) delivery(e *history.Event, ep *episode) {
	m := e.Msg
	if e.Flags&history.Foreign != 0 {
		l.foreign[semantics.Delivered].see(e)
		return
	}
	if e.Flags&history.Corrupt != 0 {
		l.corrupt[semantics.Delivered].Add(m)
		if !l.sent.Has(m) {
			return // the token itself may be what is damaged
		}
	}
	x := ep.of(l)
	if !l.delivered.Add(m) {
		l.redeliveries++
		l.deliveredTwice.Add(m)
		if l.confirmed.Has(m) {
			l.late.Add(m)
		}
		if x.frames.hits["ack"] > 0 {
			x.frames.again.Add(m)
		}
	}
	if ep.inject && ep.victims[e.Life] {
		x.held[m] = e.Life
	} else if len(x.held) > 0 {
		if by, ok := x.held[m]; ok && by != e.Life {
			x.elsewhere.Add(m)
			if !ep.recovering() {
				x.meanwhile.Add(m)
			}
		}
	}
	if l.traits.Acks || l.traits.Transactional {
		l.held.Put(m, e.Life)
	}
}

func (l *lane) ackCall(e *history.Event, ep *episode) {
	l.ackCalled.Add(e.Msg)
	l.zombie(e, ep)
	if l.traits.Transactional {
		return // part of a transaction: the delivery is held until that ends
	}
	if by, _ := l.held.Get(e.Msg); by == e.Life {
		l.held.Delete(e.Msg)
	}
	if x := ep.of(l); ep.inject && x.held[e.Msg] == e.Life {
		delete(x.held, e.Msg) // it got away before it was struck
	}
}

func (l *lane) ackOutcome(e *history.Event) {
	if e.Status == history.Confirmed {
		l.confirmed.Add(e.Msg)
	}
}

func (l *lane) applyEnd(e *history.Event, ep *episode) {
	switch e.Status {
	case history.OK:
		l.done.Add(e.Msg)
	case history.DedupHit:
		l.done.Add(e.Msg)
		l.dedupEffect++
		if ep.struck() {
			ep.of(l).dedupEffect++
		}
	}
	l.zombie(e, ep)
}

// zombie counts what a victim tries, once it can again, with messages that it held when it was struck.
func (l *lane) zombie(e *history.Event, ep *episode) {
	if x := ep.of(l); ep.recovering() && ep.victims[e.Life] && x.held[e.Msg] == e.Life {
		x.zombie++
	}
}

func (l *lane) readEffect(e *history.Event) {
	if l.effects.complete || l.effects.ref != e.Ref {
		l.effects = l.newReadback(e.Ref)
	}
	if e.Flags&history.Invisible != 0 {
		return // in the log, and no reader of committed messages sees it: it has no effect
	}
	if e.Flags&history.Foreign != 0 {
		l.foreign[semantics.Applied].see(e)
		return
	}
	if e.Flags&history.Corrupt != 0 {
		l.corrupt[semantics.Applied].Add(e.Msg)
		if !l.sent.Has(e.Msg) {
			return
		}
	}
	l.readEver.Add(e.Msg)
	l.txns.output(e)
	if !l.effects.once.Add(e.Msg) || e.Count > 1 {
		l.effects.twice.Add(e.Msg)
	}
}

func (l *lane) readEnd(e *history.Event) {
	if l.effects.complete || l.effects.ref != e.Ref {
		l.effects = l.newReadback(e.Ref) // there were no effects
	}
	l.reads[e.Ref] = e.Status
	l.effects.complete = true
	if e.Status == history.OK {
		l.read = l.effects
	}
}

func (l *lane) newReadback(ref uint64) readback {
	l.txns.readings++
	return readback{ref: ref, once: &msgset.Set{}, twice: &msgset.Set{}}
}

func (f *foreign) see(e *history.Event) {
	f.n++
	if len(f.tokens) < maxTokens {
		f.tokens = append(f.tokens, e.Text)
	}
}
