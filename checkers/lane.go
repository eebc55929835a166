package checkers

import (
	"slices"

	"waybill/checkers/msgset"
	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// lane is what is known of one lane's messages so far. Every Set is at most about a bit a message, and far less where all or few are in it;
// every map and Flight holds only what is in flight or irregular.
type lane struct {
	index  int
	cfg    experiment.Lane
	traits semantics.Traits

	// Sent.
	attempts    int64
	sent        msgset.Set
	recent      msgset.Set // sent in this episode
	open        msgset.Set // with an attempt that has no outcome yet
	acked       msgset.Set
	unknown     msgset.Set           // with an attempt that ended unknown, or never will end
	rejected    msgset.Set           // with an attempt that was certainly rejected
	more        msgset.Flight[int32] // attempts beyond one that have no outcome yet
	early       msgset.Flight[int32] // outcomes merged before their send, at the same tick
	unresolved  int64                // messages in open and not in acked
	dedupStore  int64
	ackedLately lately
	placed      msgset.Set // acked at a position
	placedAgain msgset.Set // and once more
	restless    map[msgset.Page]bool
	ackSums     msgset.Sums // of the first acknowledged position of each message
	againSums   msgset.Sums // of the second
	order       ordering
	appends     appends

	// Stored.
	stored      msgset.Set // ever found by a scan
	storedTwice msgset.Set // ever found more than once by one scan
	visible     *msgset.Set
	lastRest    *msgset.Sums // of an earlier checkpoint's scan
	scans       []*scan      // of the checkpoint under way
	corrupt     [semantics.Applied + 1]msgset.Set
	foreign     [semantics.Applied + 1]foreign

	// Delivered.
	delivered      msgset.Set
	deliveredTwice msgset.Set
	redeliveries   int64
	ackCalled      msgset.Set
	confirmed      msgset.Set
	young          *young                      // nil: no acknowledgement wait is known
	assignments    *assignments                // nil: consumers share partitions
	late           msgset.Set                  // delivered after an acknowledgement of the message was confirmed
	held           msgset.Flight[history.Life] // delivered, not acknowledged: by whom, last

	// Applied.
	done        msgset.Set // recorded as done by a consumer
	dedupEffect int64
	effects     readback // being read, or read last
	read        readback // the last complete one
	readEver    msgset.Set
	reads       map[uint64]history.Status // checkpoint → how its readback ended

	txns transactions
	torn msgset.Set // named as absent members of a transaction of which others are visible

	// The cluster.
	leaders map[seat]leader

	reported map[string]*msgset.Set // group of anomalies → messages already named
	gone     msgset.Set             // ever found lost
	parts    [parts]msgset.Set      // of that, disjoint
	found    []*candidate
	back     map[int]int64        // episode → messages found lost there and applied after all
	pages    map[msgset.Page]bool // to be looked at message by message
	unsure   msgset.Set           // found twice by a scan that went back, so perhaps at one position
	touched  bool                 // something was observed since the last judgement
	counted  counted
}

// seat is what somebody leads: "queue", "consumer" or "controller", and there one partition.
type seat struct {
	of        string
	partition uint32
}

// leader is who has a seat.
type leader struct {
	node  string
	epoch uint64
}

// foreign counts tokens of other runs.
type foreign struct {
	n        int64
	tokens   []string
	reported bool
}

// readback is the effects of a lane, read once from where they live.
type readback struct {
	ref      uint64
	once     *msgset.Set
	twice    *msgset.Set
	complete bool
}

func newLane(i int, cfg experiment.Lane) *lane {
	return &lane{
		index:    i,
		cfg:      cfg,
		traits:   cfg.Mode.Traits,
		restless: map[msgset.Page]bool{},
		order:    newOrdering(cfg.Mode),
		appends:  newAppends(cfg.Mode.Traits),

		young: newYoung(cfg.Mode.Traits), assignments: newAssignments(cfg.Mode),
		visible:  &msgset.Set{},
		effects:  readback{once: &msgset.Set{}, twice: &msgset.Set{}, complete: true},
		read:     readback{once: &msgset.Set{}, twice: &msgset.Set{}},
		reads:    map[uint64]history.Status{},
		leaders:  map[seat]leader{},
		reported: map[string]*msgset.Set{},
		pages:    map[msgset.Page]bool{},
		txns:     newTransactions(),
	}
}

// certainlyRejected is the messages of which every attempt was.
func (l *lane) certainlyRejected() *msgset.Set {
	return l.rejected.AndNot(&l.acked).AndNot(&l.unknown).AndNot(&l.open)
}

// observed is the messages ever seen in the store, by a scan or because they came out of it.
func (l *lane) observed() *msgset.Set { return l.stored.Or(&l.delivered) }

// handled is the messages that a consumer finished: applied, and acknowledged where the mode acknowledges; both in one transaction, where
// it has those.
func (l *lane) handled() *msgset.Set {
	switch {
	case l.traits.Transactional:
		return &l.txns.committed
	case l.traits.Acks:
		return l.done.And(&l.ackCalled)
	}
	return &l.done
}

// promised returns the promises of the lane that get cells, by stage. A mode that promises nothing gets cells all the same, in which
// what happened is observed: for the stages of which it says so, or for the last one.
func (l *lane) promised() []semantics.Promise {
	var out, none []semantics.Promise
	for _, p := range l.cfg.Mode.Promises {
		if empty(p) {
			none = append(none, p)
		} else {
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		out = none
	}
	if len(out) == 0 {
		out = []semantics.Promise{{Stage: semantics.Applied}}
	}
	slices.SortStableFunc(out, func(a, b semantics.Promise) int { return int(a.Stage) - int(b.Stage) })
	return out
}

// empty reports whether a promise says that nothing is promised.
func empty(p semantics.Promise) bool {
	return p.Guarantee == semantics.None && !p.Ordered && !p.Atomic && !p.Linearizable
}

// bare reports whether the lane's mode promises nothing at all.
func (l *lane) bare() bool { return empty(l.promised()[0]) }
