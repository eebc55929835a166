package export

import (
	"cmp"

	"waybill/harness/history"
)

// survey is what must be known of one lane before its first operation can be written: a first reading of the history.
type survey struct {
	lane  uint32
	lives lives

	keys     map[history.Life][]uint32 // of messages 1, 2, … of a producer's life
	attempts map[history.Msg]uint32    // of messages that were sent more than once
	homes    map[uint32]place          // key of the workload → where the first copy with it was seen
	strays   map[history.Msg]place     // acknowledged elsewhere

	queue, outputs *layout
	exclusive      bool // members are assigned partitions

	txns     map[txnID]*txn
	called   map[history.Life]uint64 // the receive call begun last
	madeFrom map[callID]uint64       // receive call → the transaction that carries it through
	complete uint64                  // checkpoint of the last complete reading of the outputs
	scans    map[scanID]bool         // scans of this lane under way
	begun    uint64                  // the checkpoint begun last
	drained  uint64                  // the last one at which this lane was drained; 0: none
}

type txnID struct {
	life history.Life
	n    uint64
}

type callID struct {
	life history.Life
	n    uint64
}

type scanID struct {
	life history.Life
	n    uint64
}

// txn is one transaction attempt: its outputs, and where they were found.
type txn struct {
	msgs    []history.Msg
	at      map[history.Msg]history.Position // visible outputs, from the last complete reading
	invoked bool                             // its operation has been written
}

// lives says which lane a process worked for, for events that do not.
type lives map[history.Life]uint32

func (l lives) see(e *history.Event) {
	if e.Kind == history.LifeStart {
		l[e.Other] = e.Lane
	}
}

func (l lives) lane(e *history.Event) uint32 { return cmp.Or(e.Lane, l[e.Life]) }

func newSurvey(lane uint32) *survey {
	return &survey{
		lane: lane, lives: lives{}, keys: map[history.Life][]uint32{}, attempts: map[history.Msg]uint32{}, homes: map[uint32]place{},
		strays: map[history.Msg]place{}, queue: newLayout(), outputs: newLayout(), txns: map[txnID]*txn{},
		called: map[history.Life]uint64{}, madeFrom: map[callID]uint64{}, scans: map[scanID]bool{},
	}
}

func takeSurvey(src history.Source, lane uint32) (*survey, error) {
	s := newSurvey(lane)
	for e, err := range src.Events() {
		if err != nil {
			return nil, err
		}
		s.see(e)
	}
	s.queue.settle(0)
	s.outputs.settle(s.queue.end())
	return s, nil
}

func (s *survey) see(e *history.Event) {
	s.lives.see(e)
	if e.Kind == history.Copy {
		if s.scans[scanID{e.Life, e.Tag}] && trusted(e) {
			s.home(e.Key, placeOf(e.Pos))
		}
		return
	}
	if e.Kind == history.CheckpointBegin {
		s.begun = e.Ref
		return
	}
	if s.lives.lane(e) != s.lane {
		return
	}
	switch e.Kind {
	case history.Send:
		s.send(e)
	case history.Outcome:
		if e.Status == history.Acked && e.Pos.Offset > 0 {
			s.acked(e)
		}
	case history.Assign:
		s.exclusive = true
		s.queue.partitions = max(s.queue.partitions, int64(e.Pos.Partition)+1)
	case history.Receive:
		s.called[e.Life] = e.Call
	case history.Delivery:
		if trusted(e) && e.Pos.Offset > 0 {
			s.queue.add(e.Pos)
		}
	case history.ScanBegin:
		s.scans[scanID{e.Life, e.Tag}] = true
	case history.CheckpointEnd:
		if e.Status == history.OK && e.Ref == s.begun {
			s.drained = e.Ref
		}
	case history.ScanEnd:
		delete(s.scans, scanID{e.Life, e.Tag})
	default:
		s.transaction(e)
	}
}

func (s *survey) transaction(e *history.Event) {
	switch e.Kind {
	case history.TxnBegin:
		s.txns[txnID{e.Life, e.Txn}] = &txn{at: map[history.Msg]history.Position{}}
		c := callID{e.Life, s.called[e.Life]}
		if _, taken := s.madeFrom[c]; !taken {
			s.madeFrom[c] = e.Txn
		}
	case history.TxnMember:
		if t := s.txns[txnID{e.Life, e.Txn}]; t != nil {
			t.msgs = append(t.msgs, e.Msg)
		}
	case history.Readback:
		if trusted(e) && e.Pos.Offset > 0 && e.Flags&history.Invisible == 0 {
			s.outputs.add(e.Pos)
			if t := s.txns[txnID{e.Other, e.Txn}]; t != nil {
				t.at[e.Msg] = e.Pos
			}
		}
	case history.ReadbackEnd:
		if e.Status == history.OK {
			s.complete = e.Ref
		}
	}
}

// trusted reports whether the event's message is what its token says.
func trusted(e *history.Event) bool { return e.Flags&(history.Corrupt|history.Foreign) == 0 }

func (s *survey) send(e *history.Event) {
	if e.Attempt > 1 {
		s.attempts[e.Msg] = max(s.attempts[e.Msg], e.Attempt)
		return
	}
	if known := s.keys[e.Msg.Life]; e.Msg.Seq == uint64(len(known))+1 {
		s.keys[e.Msg.Life] = append(known, e.Key)
	}
}

// acked learns where messages with a key are. The broker's word for this one message counts more.
func (s *survey) acked(e *history.Event) {
	s.queue.add(e.Pos)
	at := placeOf(e.Pos)
	key, sent := s.sent(e.Msg)
	if !sent {
		return
	}
	s.home(key, at)
	if s.homes[key] != at {
		s.strays[e.Msg] = at
	}
}

func (s *survey) home(key uint32, at place) {
	if _, known := s.homes[key]; !known {
		s.queue.open(at)
		s.homes[key] = at
	}
}

// sent is the workload's key of a message, if its send was recorded.
func (s *survey) sent(m history.Msg) (key uint32, ok bool) {
	known := s.keys[m.Life]
	if m.Seq == 0 || m.Seq > uint64(len(known)) {
		return 0, false
	}
	return known[m.Seq-1], true
}

// key is the key of Jepsen that a message was sent to.
func (s *survey) key(m history.Msg, key uint32) int64 {
	if at, stray := s.strays[m]; stray {
		return s.queue.key(at)
	}
	if at, known := s.homes[key]; known {
		return s.queue.key(at)
	}
	if s.queue.end() == 1 {
		return 0
	}
	return s.outputs.end() + 1 + int64(key)
}

// written reports whether a send of the message to this key of Jepsen is among the operations.
func (s *survey) written(m history.Msg, key int64) bool {
	k, ok := s.sent(m)
	return ok && s.key(m, k) == key
}

// positional reports whether clients were told positions: whether this is a log to be checked as one.
func (s *survey) positional() bool { return s.queue.end() > 0 }
