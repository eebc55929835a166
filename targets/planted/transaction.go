package planted

// join begins a member's next epoch: whatever an earlier life of it has open is aborted.
func (q *queue) join(member uint32) result {
	q.members[member]++
	for id, t := range q.byID {
		if t.member == member && t.status == txnOpen {
			t.abort()
			delete(q.byID, id)
		}
	}
	return result{epoch: q.members[member]}
}

// Ends of a transaction, as they are answered.
const (
	endCommitted = iota + 1
	endAborted
	endFenced
)

// wrote stores outputs of a transaction, unseen until it is committed.
func (m *machine) wrote(q *queue, index uint64, d *decoder) result {
	member, epoch, id := d.u32(), d.u32(), d.text()
	if q.members[member] != epoch {
		return result{status: endFenced}
	}
	t := q.byID[id]
	if t == nil {
		t = &txn{id: id, member: member, epoch: epoch}
		q.byID[id] = t
		q.txns = append(q.txns, t)
	}
	for n := d.u32(); n > 0 && !d.bad; n-- {
		at := ref{uint32(index), uint32(d.at)}
		if d.record(); !d.bad {
			t.outputs = append(t.outputs, len(q.outputs))
			q.outputs = append(q.outputs, output{ref: at, txn: t})
		}
	}
	return result{}
}

// ended ends a transaction. It commits only if its member was not replaced and nobody else committed one of its inputs: then outputs and
// inputs take effect in one step of the log.
func (m *machine) ended(q *queue, d *decoder) result {
	member, epoch, id, commit := d.u32(), d.u32(), d.text(), d.u8() == 1
	inputs := d.positions()
	t := q.byID[id]
	delete(q.byID, id)
	if t == nil || q.members[member] != epoch {
		if t != nil {
			t.abort()
		}
		return result{status: endFenced}
	}
	for _, pos := range inputs {
		commit = commit && !q.isDone(pos)
	}
	if !commit {
		t.abort()
		return result{status: endAborted}
	}
	if m.showsAborted(q, t) {
		return result{status: endAborted}
	}
	t.status = txnCommitted
	for _, pos := range inputs {
		q.finish(pos)
	}
	m.tears(q, t)
	return result{status: endCommitted}
}

// showsAborted is the bug deliver-uncommitted: a transaction with a message that it strikes is aborted, and seen all the same.
func (m *machine) showsAborted(q *queue, t *txn) bool {
	if m.plants.below[uncommitted] == 0 {
		return false
	}
	var tokens []string
	strikes := false
	m.each(q, t, func(_ *output, r record) {
		tokens = append(tokens, r.token)
		if m.plants.hits(uncommitted, r.message()) && !q.twice[r.message()] {
			q.twice[r.message()], strikes = true, true
		}
	})
	if !strikes {
		return false
	}
	t.abort()
	t.shown = true
	for _, token := range tokens {
		m.plants.confess(harmed, uncommitted, token)
	}
	return true
}

// tears is the bug tear: a committed transaction of several outputs is left without those that it strikes.
func (m *machine) tears(q *queue, t *txn) {
	if m.plants.below[tear] == 0 {
		return
	}
	n := 0
	m.each(q, t, func(*output, record) { n++ })
	m.each(q, t, func(o *output, r record) {
		if n > 1 && m.plants.hits(tear, r.message()) {
			o.hidden = true
			n--
			m.plants.confess(harmed, tear, r.token)
		}
	})
}

// each goes through a transaction's outputs.
func (m *machine) each(q *queue, t *txn, f func(*output, record)) {
	for _, i := range t.outputs {
		if r, err := m.read(q.outputs[i].ref); err == nil {
			f(&q.outputs[i], r)
		}
	}
}
