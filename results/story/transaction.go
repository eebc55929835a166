package story

import (
	"fmt"
	"strings"

	"waybill/harness/history"
)

// transaction follows the processors: which attempt each is in, and those that a tale's message is a member of.
func (p *pass) transaction(e *history.Event) {
	k := txnKey{e.Life, e.Txn}
	switch e.Kind {
	case history.TxnBegin:
		p.running[e.Life] = &txn{txnKey: k, begun: e.Time, visible: map[history.Msg]bool{}}
	case history.TxnMember:
		x := p.running[e.Life]
		if x == nil || x.txnKey != k {
			x = &txn{txnKey: k, begun: e.Time, visible: map[history.Msg]bool{}}
			p.running[e.Life] = x
		}
		x.members++
		if t := p.byMsg[e.Msg]; t != nil {
			p.join(t, x, e)
		}
	case history.TxnEnd:
		if x := p.txns[k]; x != nil {
			x.called, x.commit = e.Time, e.Flags&history.Commit != 0
		}
	case history.TxnOutcome:
		if x := p.txns[k]; x != nil {
			x.ended, x.status, x.said = e.Time, e.Status, with("", e.Reason.String(), printable(e.Text))
			for _, l := range x.lines {
				l.Open, l.Until, l.status = false, e.Time-p.origin, e.Status
			}
		}
	}
}

// join makes a tale's message a member of a transaction.
func (p *pass) join(t *tale, x *txn, e *history.Event) {
	p.txns[x.txnKey] = x
	l := t.add(&line{Line: Line{At: x.begun - p.origin, Act: Transaction, Who: p.around.lives.name(e.Life), Open: true}, life: e.Life, txn: x})
	x.lines = append(x.lines, l)
	t.txns = append(t.txns, x)
	t.lives[e.Life] = true
}

// sibling notes that a reader of committed messages sees another member of a transaction.
func (p *pass) sibling(e *history.Event) {
	if e.Txn == 0 || e.Flags&history.Invisible != 0 {
		return
	}
	if x := p.txns[txnKey{e.Other, e.Txn}]; x != nil {
		x.visible[e.Msg] = true
	}
}

// ending says how a transaction ended.
func (x *txn) ending() string {
	switch {
	case x.members == 0:
		return "of which no begin was recorded"
	case x.ended != 0 && x.status == history.OK:
		return "committed"
	case x.ended != 0 && x.status == history.Aborted:
		return "aborted"
	case x.ended != 0 && x.called == 0:
		return x.status.String() + " before anybody called its end"
	case x.ended != 0:
		return "whose end is " + x.status.String()
	case x.called == 0:
		return "whose end nobody called"
	}
	return "whose end was called and never answered"
}

// words is what a transaction was to the message.
func (x *txn) words(m history.Msg) string {
	s := fmt.Sprintf("member of transaction %d of %s: ", x.number, plural(x.members, "output"))
	switch {
	case x.called == 0 && x.ended == 0:
		return s + "its end was never called"
	case x.called == 0:
		s += "its end was not called"
	case x.commit:
		s += "commit called after " + length(x.called-x.begun)
	default:
		s += "abort called after " + length(x.called-x.begun)
	}
	if x.ended == 0 {
		s += " → never answered"
	} else {
		s += " → " + map[history.Status]string{history.OK: "committed"}[x.status]
		if x.status != history.OK {
			s += x.status.String()
		}
		s += strings.TrimRight(x.said, " ")
	}
	others := len(x.visible)
	if x.visible[m] {
		others--
	}
	if others > 0 {
		s += "; " + plural(others, "other output") + " of it seen by readers of committed messages"
	}
	return s
}
