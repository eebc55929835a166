package planted

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/hashicorp/raft"
)

// machine carries commands out: it implements raft.FSM. Its state is read under mu.
type machine struct {
	log    *logStore
	plants *plants

	mu       sync.RWMutex
	queues   map[string]*queue
	order    []string // of their names, as they were made
	restarts int
	elected  int
	applied  uint64 // index of the last entry
}

func newMachine(log *logStore, p *plants) *machine {
	return &machine{log: log, plants: p, queues: map[string]*queue{}}
}

// Apply implements raft.FSM.
func (m *machine) Apply(l *raft.Log) any {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.applied = l.Index
	d := &decoder{b: l.Data}
	kind, stamp, name := d.u8(), int64(d.u64()), d.text()
	switch kind {
	case cmdRestarted:
		m.restarts++
		m.forget(loseAcked)
		m.forgetDedup()
		return result{}
	case cmdElected:
		if m.elected++; m.elected > 1 {
			m.forget(loseOnFailover)
		}
		return result{}
	case cmdCreate:
		if m.queues[name] == nil {
			m.queues[name] = newQueue(name, d.text())
			m.order = append(m.order, name)
		}
		return result{}
	}
	q := m.queues[name]
	if q == nil {
		return result{refused: fmt.Sprintf("no queue %q", name)}
	}
	switch kind {
	case cmdAppend:
		return m.appended(q, l.Index, stamp, d)
	case cmdAck, cmdPassOver:
		for _, pos := range d.positions() {
			q.finish(pos)
		}
	case cmdDelete:
		delete(m.queues, name)
	case cmdJoin:
		return q.join(d.u32())
	case cmdOutputs:
		return m.wrote(q, l.Index, d)
	case cmdEnd:
		return m.ended(q, d)
	case cmdCopy:
		return m.copied(q, int64(d.u64()))
	}
	return result{}
}

// appended stores a batch.
func (m *machine) appended(q *queue, index uint64, stamp int64, d *decoder) (out result) {
	for n := d.u32(); n > 0 && !d.bad; n-- {
		at := ref{uint32(index), uint32(d.at)}
		r := d.record()
		if d.bad {
			break
		}
		s := m.store(q, r, at, stamp)
		if s.pos < q.last() && !s.dup {
			out.late = append(out.late, s.pos)
		}
		out.stored = append(out.stored, s)
	}
	return out
}

// store stores one message as the queue's mode says, or otherwise if a bug strikes.
func (m *machine) store(q *queue, r record, at ref, stamp int64) storedAt {
	id := r.message()
	if pos := q.seen(id); pos > 0 {
		switch q.silent[id] {
		case storeTwice:
			delete(q.silent, id)
			m.plants.confess(harmed, storeTwice, r.token)
			return storedAt{pos: q.put(at)}
		case forgetDedup:
			return storedAt{pos: pos, dup: true, silent: m.restarts == 0}
		}
		return storedAt{pos: pos, dup: true}
	}
	pos := m.place(q, r, at, stamp)
	if q.silent[id] == forgetDedup {
		delete(q.silent, id)
		m.plants.confess(harmed, forgetDedup, r.token)
	} else if q.have != nil {
		q.silence(m, id, marked{pos: pos, token: r.token, m: id})
	}
	q.remember(id, pos)
	for _, bug := range []string{loseAcked, loseOnFailover} {
		if m.plants.hits(bug, id) {
			q.marked[bug] = append(q.marked[bug], marked{pos: pos, token: r.token, m: id})
		}
	}
	if m.plants.hits(corrupt, id) {
		m.plants.confess(harmed, corrupt, r.token)
	}
	if m.plants.hits(leak, id) && !q.leaked[id] {
		q.leaked[id] = true
		m.leaks(q, r, at)
	}
	return storedAt{pos: pos, silent: q.silent[id] != ""}
}

// silence leaves a message without an answer where a bug needs that it is sent again.
func (q *queue) silence(m *machine, id message, x marked) {
	switch {
	case m.plants.hits(storeTwice, id):
		q.silent[id] = storeTwice
	case m.plants.hits(forgetDedup, id) && m.restarts == 0:
		q.silent[id] = forgetDedup
		q.marked[forgetDedup] = append(q.marked[forgetDedup], x)
	}
}

// aWhile is how much later a message must come to be put before an earlier one: by then that one's sender has long been answered.
const aWhile = 3000

// place is where a message goes: to the end, or, of reorder, into the gap that was left before an earlier one of its key.
func (m *machine) place(q *queue, r record, at ref, stamp int64) int64 {
	if m.plants.below[reorder] == 0 {
		return q.put(at)
	}
	key := fmt.Sprint(r.life, " ", r.key)
	if g, open := q.gaps[key]; open {
		if stamp-g.stamp < aWhile {
			return q.put(at)
		}
		delete(q.gaps, key)
		q.fill(g.pos, at)
		m.plants.confess(harmed, reorder, r.token)
		return g.pos
	}
	if m.plants.hits(reorder, r.message()) {
		q.gaps[key] = gap{q.skip(), stamp}
	}
	return q.put(at)
}

// leaks puts a copy into the queue that was made next.
func (m *machine) leaks(q *queue, r record, at ref) {
	for i, name := range m.order {
		if name != q.name {
			continue
		}
		for j := 1; j < len(m.order); j++ {
			if to := m.queues[m.order[(i+j)%len(m.order)]]; to != nil {
				to.put(at)
				m.plants.confess(harmed, leak, r.token)
				return
			}
		}
	}
}

// forget drops what a bug has marked.
func (m *machine) forget(bug string) {
	for _, q := range m.queues {
		for _, x := range q.marked[bug] {
			q.hidden[x.pos] = true
			q.finish(x.pos)
			m.plants.confess(harmed, bug, x.token)
		}
		delete(q.marked, bug)
	}
}

// forgetDedup forgets that marked messages are there, at the first start.
func (m *machine) forgetDedup() {
	for _, q := range m.queues {
		for _, x := range q.marked[forgetDedup] {
			q.remember(x.m, 0)
		}
		delete(q.marked, forgetDedup)
	}
}

// copied stores a position's message once more.
func (m *machine) copied(q *queue, pos int64) result {
	at, ok := q.visible(pos)
	if !ok {
		return result{}
	}
	r, err := m.read(at)
	if err != nil || q.twice[r.message()] {
		return result{}
	}
	q.twice[r.message()] = true
	q.put(at)
	m.plants.confess(harmed, dupRedelivery, r.token)
	return result{}
}

// read finds a message in the log.
func (m *machine) read(at ref) (record, error) {
	var l raft.Log
	if err := m.log.GetLog(uint64(at.index), &l); err != nil {
		return record{}, err
	}
	return m.in(&l, at)
}

// in takes a message out of its entry, harmed if it is to be.
func (m *machine) in(l *raft.Log, at ref) (record, error) {
	d := &decoder{b: l.Data, at: int(at.at)}
	r := d.record()
	if d.bad {
		return r, fmt.Errorf("planted: entry %d has no message at %d", at.index, at.at)
	}
	if m.plants.hits(corrupt, r.message()) && len(r.payload) > 0 {
		p := append([]byte(nil), r.payload...)
		p[len(p)/2] ^= 1
		r.payload = p
	}
	return r, nil
}

// Snapshot implements raft.FSM. It is never called: a node's threshold is out of reach.
func (m *machine) Snapshot() (raft.FSMSnapshot, error) { return nil, errNoSnapshots }

// Restore implements raft.FSM.
func (m *machine) Restore(r io.ReadCloser) error { return errNoSnapshots }

var errNoSnapshots = errors.New("planted: there are no snapshots: a node replays its log")
