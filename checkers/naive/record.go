package naive

import (
	"fmt"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// seen is one event, and where in the history it lies.
type seen struct {
	history.Event
	at      int
	fetched int64 // a delivery: when the receive call that fetched it began; -1 when none is known
	episode int   // under way
}

// message is everything observed of one message, in order.
type message struct {
	id                                                                         history.Msg
	sends, outcomes, copies, deliveries, called, confirmed, handled, readbacks []seen
}

// scan is one reading of a queue on one replica.
type scan struct {
	replica string
	ref     int
	begin   int
	end     int // where it ended; never, while it is -1
	ok      bool
	begins  []seen
	copies  map[history.Msg][]seen
}

// readback is one reading of the effects.
type readback struct {
	ref    int
	begin  int
	end    int // -1: never
	ok     bool
	copies map[history.Msg][]seen
}

// txn is one attempt to process in a transaction.
type txn struct {
	begin, died                int // died: where its processor ended; -1: never
	members, commits, outcomes []seen
}

type txnID struct {
	life   history.Life
	number uint64
}

type scanID struct {
	life history.Life
	tag  uint64
}

// checkpoint is where a lane is judged.
type checkpoint struct {
	ref   int
	ok    bool // quiesced and drained
	cut   int  // events before this place were seen
	scans []*scan
	read  *readback
}

func (cp *checkpoint) settled() bool { return cp.ok && cp.read != nil }

// lane is all events of one lane.
type lane struct {
	name     string
	traits   semantics.Traits
	promises []semantics.Promise

	messages    map[history.Msg]*message
	scans       []*scan
	readbacks   []*readback
	txns        map[txnID]*txn
	strange     map[semantics.Stage][]seen // tokens of other runs
	consumed    []seen                     // what consumers were given, and what set their positions
	world       *[]seen                    // what may have given a broker a reason to deliver again
	checkpoints []checkpoint

	tenures []*tenure
	back    []seen // deliveries that step back within their tenures
	jumps   []jump

	found     map[name][]history.Msg
	named     map[string]map[history.Msg]bool // by group
	strangers map[name]int64
	lost      map[history.Msg]name // where and when each was first found lost
	torn      map[history.Msg]bool
}

// record is all events, by lane.
type record struct {
	lanes   []*lane
	lives   map[history.Life]uint32
	open    map[scanID]*scan
	owner   map[*scan]*lane
	call    map[history.Life]int64
	episode int
	world   []seen
}

func read(src history.Source, x experiment.Experiment) (*record, error) {
	r := &record{lives: map[history.Life]uint32{}, open: map[scanID]*scan{}, owner: map[*scan]*lane{}, call: map[history.Life]int64{}}
	for _, l := range x.Lanes {
		r.lanes = append(r.lanes, &lane{name: l.Name, traits: l.Mode.Traits, promises: l.Mode.Promises,
			messages: map[history.Msg]*message{}, txns: map[txnID]*txn{}, strange: map[semantics.Stage][]seen{},
			found: map[name][]history.Msg{}, named: map[string]map[history.Msg]bool{}, strangers: map[name]int64{},
			lost: map[history.Msg]name{}, torn: map[history.Msg]bool{}, world: &r.world})
	}
	ends := map[int]int64{} // where checkpoints ended that time has not moved on from, to when: by lane
	n := 0
	for e, err := range src.Events() {
		if err != nil {
			return nil, fmt.Errorf("naive: reading the history: %w", err)
		}
		for i, at := range ends {
			if e.Time > at {
				last := len(r.lanes[i].checkpoints) - 1
				r.lanes[i].checkpoints[last].cut = n
				delete(ends, i)
			}
		}
		if err := r.see(seen{Event: *e, at: n, fetched: -1, episode: r.episode}); err != nil {
			return nil, err
		}
		n++
		if e.Kind == history.CheckpointEnd && int(e.Lane) < len(r.lanes) {
			l := r.lanes[e.Lane]
			l.checkpoints = append(l.checkpoints, checkpoint{ref: int(e.Ref), ok: e.Status == history.OK, cut: -1})
			ends[int(e.Lane)] = e.Time
		}
	}
	for _, l := range r.lanes {
		for i := range l.checkpoints {
			if l.checkpoints[i].cut < 0 {
				l.checkpoints[i].cut = n
			}
		}
		l.checkpoints = append(l.checkpoints, checkpoint{ref: max(r.episode, 1), cut: n}) // what came after the last one
	}
	return r, nil
}

// see puts an event where it belongs.
func (r *record) see(e seen) error {
	switch e.Kind {
	case history.LifeStart:
		r.lives[e.Other] = e.Lane
		return nil
	case history.LifeEnd:
		r.world = append(r.world, e)
		for _, l := range r.lanes {
			l.orphaned(e)
			l.consumed = append(l.consumed, e)
		}
		return nil
	case history.FaultInject, history.FaultVerified, history.Starved:
		r.world = append(r.world, e)
		return nil
	case history.FaultPlan, history.FaultInjected, history.FaultObserved, history.FaultHit, history.FaultRecover, history.FaultRefused,
		history.FaultVictim, history.ServiceHealed, history.DiskForgot, history.CheckpointEnd:
		return nil // nothing about a message
	case history.EpisodeBegin:
		r.episode = int(e.Ref)
		return nil
	case history.Copy, history.ScanEnd:
		if s := r.open[scanID{e.Life, e.Tag}]; s != nil {
			r.owner[s].scanned(s, e)
			if e.Kind == history.ScanEnd {
				s.end, s.ok = e.at, e.Status == history.OK
				delete(r.open, scanID{e.Life, e.Tag})
			}
		}
		return nil
	}
	i := e.Lane
	if i == 0 {
		i = r.lives[e.Life]
	}
	if int(i) >= len(r.lanes) {
		return fmt.Errorf("naive: an event of kind %s names lane %d, and the experiment has %d", e.Kind, i, len(r.lanes))
	}
	l := r.lanes[i]
	switch e.Kind {
	case history.Leader, history.ConnOpen, history.ConnLost:
		r.world = append(r.world, e)
	case history.Revoke, history.Lost, history.Cancelled:
		r.world = append(r.world, e)
		l.consumed = append(l.consumed, e)
	case history.Assign, history.Seek, history.Reset:
		l.consumed = append(l.consumed, e)
	case history.ScanBegin:
		id := scanID{e.Life, e.Tag}
		if r.open[id] == nil {
			s := &scan{replica: e.Name, ref: int(e.Ref), begin: e.at, end: -1, copies: map[history.Msg][]seen{}}
			r.open[id], r.owner[s] = s, l
			l.scans = append(l.scans, s)
		}
		r.open[id].begins = append(r.open[id].begins, e)
	case history.Receive:
		r.call[e.Life] = e.Time
	case history.Delivery:
		if at, ok := r.call[e.Life]; ok {
			e.fetched = at
		}
		l.note(e)
	default:
		l.note(e)
	}
	return nil
}

func (l *lane) of(m history.Msg) *message {
	if l.messages[m] == nil {
		l.messages[m] = &message{id: m}
	}
	return l.messages[m]
}

// genuine reports whether an observation names a message of this run, and notes it if it does not.
func (l *lane) genuine(stage semantics.Stage, e seen) bool {
	if e.Flags&history.Foreign != 0 {
		l.strange[stage] = append(l.strange[stage], e)
		return false
	}
	return true
}

// note puts an event about one message, one transaction or the effects into its list.
func (l *lane) note(e seen) {
	switch e.Kind {
	case history.Send:
		m := l.of(e.Msg)
		m.sends = append(m.sends, e)
	case history.Outcome:
		m := l.of(e.Msg)
		m.outcomes = append(m.outcomes, e)
	case history.Delivery:
		if l.genuine(semantics.Delivered, e) {
			m := l.of(e.Msg)
			m.deliveries = append(m.deliveries, e)
			l.consumed = append(l.consumed, e)
		}
	case history.AckCalled:
		m := l.of(e.Msg)
		m.called = append(m.called, e)
	case history.AckOutcome:
		m := l.of(e.Msg)
		if e.Status == history.Confirmed {
			m.confirmed = append(m.confirmed, e)
		}
	case history.ApplyEnd:
		m := l.of(e.Msg)
		if e.Status == history.OK || e.Status == history.DedupHit {
			m.handled = append(m.handled, e)
		}
	case history.Readback, history.ReadbackEnd:
		l.effect(e)
	case history.TxnBegin:
		l.txns[txnID{e.Life, e.Txn}] = &txn{begin: e.at, died: -1}
	case history.TxnMember, history.TxnEnd, history.TxnOutcome:
		if e.Kind == history.TxnOutcome {
			l.consumed = append(l.consumed, e)
		}
		t := l.txns[txnID{e.Life, e.Txn}]
		switch {
		case t == nil:
		case e.Kind == history.TxnMember:
			t.members = append(t.members, e)
		case e.Kind == history.TxnOutcome:
			t.outcomes = append(t.outcomes, e)
		case e.Flags&history.Commit != 0:
			t.commits = append(t.commits, e)
		}
	}
}

func (l *lane) scanned(s *scan, e seen) {
	if e.Kind != history.Copy || e.Flags&history.Invisible != 0 || !l.genuine(semantics.Stored, e) {
		return
	}
	s.copies[e.Msg] = append(s.copies[e.Msg], e)
	m := l.of(e.Msg)
	m.copies = append(m.copies, e)
}

// effect takes an effect that was read back, or the end of that. A reading begins with the first event after another one's end, or of
// another checkpoint.
func (l *lane) effect(e seen) {
	n := len(l.readbacks)
	if n == 0 || l.readbacks[n-1].end >= 0 || l.readbacks[n-1].ref != int(e.Ref) {
		l.readbacks = append(l.readbacks, &readback{ref: int(e.Ref), begin: e.at, end: -1, copies: map[history.Msg][]seen{}})
		n++
	}
	b := l.readbacks[n-1]
	if e.Kind == history.ReadbackEnd {
		b.end, b.ok = e.at, e.Status == history.OK
		return
	}
	if e.Flags&history.Invisible != 0 || !l.genuine(semantics.Applied, e) {
		return
	}
	b.copies[e.Msg] = append(b.copies[e.Msg], e)
	m := l.of(e.Msg)
	m.readbacks = append(m.readbacks, e)
}

// orphaned notes that nothing more will be heard of what a life had begun.
func (l *lane) orphaned(e seen) {
	for id, t := range l.txns {
		if id.life == e.Other && t.died < 0 {
			t.died = e.at
		}
	}
	for m, x := range l.messages {
		if m.Life == e.Other && len(x.sends) > len(x.outcomes) {
			x.outcomes = append(x.outcomes, seen{Event: history.Event{Time: e.Time, Kind: history.Outcome, Msg: m, Status: history.Unknown}, at: e.at})
		}
	}
}
