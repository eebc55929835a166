package checkers

import (
	"waybill/checkers/msgset"
	"waybill/harness/history"
)

// txnID names one attempt to process a batch in a transaction.
type txnID struct {
	life   history.Life
	number uint64
}

// key is the attempt as an element of a set.
func (id txnID) key() history.Msg { return history.Msg{Life: id.life, Seq: id.number} }

// txn is what is known of a transaction that is not settled: one is kept from its begin until a checkpoint at which a reader of
// committed messages sees all of what was committed, or nothing of what was aborted.
type txn struct {
	members []member
	called  bool           // the commit was called: before that, nobody can have committed it
	status  history.Status // of its outcome; NoStatus while there is none
	open    bool
	reading uint64 // the readback that the seen marks are of
	seen    int    // members that it found
}

// member is an output, which is the same message as the input that it was made from.
type member struct {
	msg  history.Msg
	seen bool
}

// transactions is a lane's attempts.
type transactions struct {
	unsettled map[txnID]*txn
	aborted   msgset.Set // certainly, by (life, number): their outputs must never be seen
	committed msgset.Set // messages that a transaction whose commit was confirmed was to write
	undead    msgset.Set // seen by a reader of committed messages though written by a transaction that certainly aborted
	never     msgset.Set // ended, and their commit was never called, by (life, number)
	// uncalled is what undead is, for transactions whose commit was never called, by processor: it rests on that life's whole segment.
	uncalled map[history.Life]*msgset.Set
	readings uint64 // how many readbacks began
}

func newTransactions() transactions {
	return transactions{unsettled: map[txnID]*txn{}, uncalled: map[history.Life]*msgset.Set{}}
}

func (l *lane) txnBegin(e *history.Event, ep *episode) {
	l.txns.unsettled[txnID{e.Life, e.Txn}] = &txn{open: true}
	if ep.acting() {
		ep.of(l).openTxns++
	}
}

// txnMember adds an output. An input that is processed was delivered, and is held until its transaction ends.
func (l *lane) txnMember(e *history.Event) {
	if t := l.txns.unsettled[txnID{e.Life, e.Txn}]; t != nil {
		t.members = append(t.members, member{msg: e.Msg})
	}
}

func (l *lane) txnEnd(e *history.Event) {
	if t := l.txns.unsettled[txnID{e.Life, e.Txn}]; t != nil && e.Flags&history.Commit != 0 {
		t.called = true
	}
}

func (l *lane) txnOutcome(e *history.Event, ep *episode) {
	id := txnID{e.Life, e.Txn}
	if t := l.txns.unsettled[id]; t != nil {
		l.ended(id, t, e.Status, ep)
	}
}

// ended closes an attempt, by its outcome or because its processor ended.
func (l *lane) ended(id txnID, t *txn, s history.Status, ep *episode) {
	t.open, t.status = false, s
	if s != history.OK {
		ep.of(l).failedTxns++
	}
	if s == history.Aborted {
		l.txns.aborted.Add(id.key())
	}
	for _, m := range t.members {
		if s == history.OK {
			l.txns.committed.Add(m.msg)
		}
		if by, _ := l.held.Get(m.msg); by == id.life {
			l.held.Delete(m.msg)
		}
		if x := ep.of(l); s == history.OK && ep.inject && x.held[m.msg] == id.life {
			delete(x.held, m.msg) // it got away before it was struck
		}
	}
}

// openTxns is how many transactions are open, of one life or (0) of any.
func (l *lane) openTxns(of history.Life) (n int64) {
	for id, t := range l.txns.unsettled {
		if t.open && (of == 0 || of == id.life) {
			n++
		}
	}
	return n
}

// orphaned ends the transactions of a life that ended: no outcome will come.
func (l *lane) orphaned(life history.Life, ep *episode) {
	for id, t := range l.txns.unsettled {
		if t.open && id.life == life {
			l.ended(id, t, history.Unknown, ep)
		}
	}
}

// output notes what a reader of committed messages sees of a transaction.
func (x *transactions) output(e *history.Event) {
	if e.Other == 0 || e.Txn == 0 {
		return
	}
	id := txnID{e.Other, e.Txn}
	t := x.unsettled[id]
	switch {
	case x.aborted.Has(id.key()):
		x.undead.Add(e.Msg)
	case x.never.Has(id.key()), t != nil && !t.called:
		if x.uncalled[id.life] == nil {
			x.uncalled[id.life] = &msgset.Set{}
		}
		x.uncalled[id.life].Add(e.Msg)
	}
	if t == nil {
		return
	}
	if t.reading != x.readings {
		t.reading, t.seen = x.readings, 0
		for i := range t.members {
			t.members[i].seen = false
		}
	}
	for i := range t.members { // as many as a batch holds
		if m := &t.members[i]; m.msg == e.Msg && !m.seen {
			m.seen = true
			t.seen++
			break
		}
	}
}

// settle forgets the attempts of which the latest readback shows all that was committed, or nothing that was aborted.
func (x *transactions) settle() {
	for id, t := range x.unsettled {
		if t.reading != x.readings {
			t.seen = 0
		}
		whole := t.called && t.seen == len(t.members)
		nothing := t.seen == 0 && (t.status == history.Aborted || !t.called)
		if t.open || !whole && !nothing {
			continue
		}
		if !t.called {
			x.never.Add(id.key())
		}
		delete(x.unsettled, id)
	}
}
