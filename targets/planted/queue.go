package planted

import "slices"

// ref says where a message lies in the log. The zero ref is a hole: a position without a message.
type ref struct {
	index uint32 // of the entry
	at    uint32 // offset of the record in it
}

// queue is the state of one queue, a function of the log alone. Positions count from 1.
type queue struct {
	name    string
	mode    string
	refs    []ref
	done    []uint64 // a bit a position: acknowledged, or not to be delivered
	left    int64    // positions without their bit
	hidden  map[int64]bool
	have    map[uint32][]uint32 // where it deduplicates: by life, position by number; 0: not seen
	members map[uint32]uint32   // transactional: epoch of each member
	txns    []*txn
	byID    map[string]*txn
	outputs []output

	marked map[string][]marked // by bug: messages that it will harm when the time comes
	gaps   map[string]gap      // by life and key
	silent map[message]string  // stored and not answered, by which bug
	twice  map[message]bool    // stored a second time, or due to be
	leaked map[message]bool
}

// txn is one attempt at a transaction.
type txn struct {
	id      string
	member  uint32
	epoch   uint32
	status  byte
	shown   bool  // although it was aborted
	outputs []int // of the queue's
}

const (
	txnOpen = iota
	txnCommitted
	txnAborted
)

// output is a message written by a transaction.
type output struct {
	ref    ref
	txn    *txn
	hidden bool
}

type marked struct {
	pos   int64
	token string
	m     message
}

// gap is a position left free for a later message of the same key.
type gap struct {
	pos   int64
	stamp int64
}

func newQueue(name, mode string) *queue {
	q := &queue{name: name, mode: mode, hidden: map[int64]bool{}, members: map[uint32]uint32{}, byID: map[string]*txn{},
		marked: map[string][]marked{}, gaps: map[string]gap{}, silent: map[message]string{}, twice: map[message]bool{}, leaked: map[message]bool{}}
	if deduplicates(mode) {
		q.have = map[uint32][]uint32{}
	}
	return q
}

func (q *queue) last() int64 { return int64(len(q.refs)) }

// put appends a copy and returns its position.
func (q *queue) put(r ref) int64 {
	q.refs = append(q.refs, r)
	pos := q.last()
	if int(pos>>6) >= len(q.done) {
		q.done = append(q.done, 0)
	}
	q.left++
	return pos
}

// skip appends a hole.
func (q *queue) skip() int64 {
	pos := q.put(ref{})
	q.finish(pos)
	return pos
}

// fill puts a copy into a hole.
func (q *queue) fill(pos int64, r ref) {
	q.refs[pos-1] = r
	q.done[pos>>6] &^= 1 << (pos & 63)
	q.left++
}

func (q *queue) isDone(pos int64) bool {
	return pos < 1 || pos > q.last() || q.done[pos>>6]&(1<<(pos&63)) != 0
}

// finish sees to it that a position is not delivered any more.
func (q *queue) finish(pos int64) {
	if pos < 1 || pos > q.last() || q.isDone(pos) {
		return
	}
	q.done[pos>>6] |= 1 << (pos & 63)
	q.left--
}

// visible returns where the copy at a position lies, if there is one.
func (q *queue) visible(pos int64) (ref, bool) {
	if pos < 1 || pos > q.last() || q.hidden[pos] {
		return ref{}, false
	}
	r := q.refs[pos-1]
	return r, r != ref{}
}

// seen returns where a message lies already, 0 if it does not, or if this queue does not ask.
func (q *queue) seen(m message) int64 {
	if q.have == nil || m.life == 0 {
		return 0
	}
	if at := q.have[m.life]; m.seq < uint64(len(at)) {
		return int64(at[m.seq])
	}
	return 0
}

func (q *queue) remember(m message, pos int64) {
	if q.have == nil || m.life == 0 || m.seq > 1<<31 {
		return
	}
	at := q.have[m.life]
	if n := int(m.seq) + 1; n > len(at) {
		at = slices.Grow(at, n-len(at))[:n]
		q.have[m.life] = at
	}
	at[m.seq] = uint32(pos)
}

// abort ends a transaction that is open.
func (t *txn) abort() {
	if t.status == txnOpen {
		t.status = txnAborted
	}
}

// seen reports whether a reader of committed messages sees an output.
func (o output) seen() bool { return !o.hidden && (o.txn.status == txnCommitted || o.txn.shown) }
