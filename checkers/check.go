package checkers

import (
	"waybill/checkers/msgset"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// Check is one anomaly, or one family of them: a file each.
type check interface {
	// at names the messages that show the anomaly at a checkpoint of a lane. It may name again what it named before.
	at(l *lane, cp *checkpoint) []candidate
}

// checks in the order in which they claim messages: within a group, the first that names a message keeps it.
var checks = []check{
	corrupt{}, foreignToken{}, phantom{}, resurrected{}, torn{}, lost{}, vanished{}, duplicateInStore{}, duplicateDelivery{}, duplicateEffect{}, reordered{}, nonlinear{}, nonmonotonic{}, skipped{},
}

// exactly is a check that needs positions: it speaks after the second reading.
type exactly interface {
	exact(l *lane, x *examined) []candidate
}

var exactChecks = []exactly{misplaced{}, inconsistent{}, illegalRedelivery{}, earlyRedelivery{}, nonmonotonic{}, nonlinear{}, deliveredOutOfOrder{}}

// candidate is a finding in the making: one anomaly, one lane, one episode.
type candidate struct {
	anomaly    string
	group      string // a message is named once in a group
	stage      semantics.Stage
	episode    int
	msgs       *msgset.Set
	tokens     []string // instead of those of msgs, where there are none
	count      int64    // instead of msgs' number, where tokens are given
	detail     string
	absence    bool                         // rests on something not having been seen
	senders    bool                         // rests on all that the messages' producers recorded
	processors bool                         // rests on all that the lives recorded that processed them in transactions
	breaks     func(semantics.Promise) bool // which promises forbid it; nil: none
}

// number is how many messages are concerned.
func (c *candidate) number() int64 {
	if c.tokens != nil {
		return c.count
	}
	return c.msgs.Len()
}

// against reports whether the finding contradicts a promise.
func (c *candidate) against(p semantics.Promise) bool { return c.breaks != nil && c.breaks(p) }

// checkpoint is a lane's state at the end of an episode, as far as it could be established.
type checkpoint struct {
	ref    int
	status history.Status // OK: quiesced, drained and scanned
	reason history.Reason
	why    string
	scans  []*scan   // the last complete one of each replica
	agree  bool      // at least two complete scans, and the last ones equal
	read   *readback // of this checkpoint, when complete
	counts map[string]int64
}

// settled reports whether absence means something: everything that was ever to arrive has, and was read.
func (cp *checkpoint) settled() bool { return cp.status == history.OK && cp.read != nil }

func forbidsLossFrom(s semantics.Stage) func(semantics.Promise) bool {
	return func(p semantics.Promise) bool { return p.Guarantee.ForbidsLoss() && p.Stage >= s }
}

func forbidsLossAt(s semantics.Stage) func(semantics.Promise) bool {
	return func(p semantics.Promise) bool { return p.Guarantee.ForbidsLoss() && p.Stage == s }
}

func forbidsDuplicatesAt(s semantics.Stage) func(semantics.Promise) bool {
	return func(p semantics.Promise) bool { return p.Guarantee.ForbidsDuplicates() && p.Stage == s }
}

// alwaysForbidden is for what no promise permits: it breaks the lane's promise about the stage; without one the next later; else
// the last one.
func alwaysForbidden(l *lane, s semantics.Stage) func(semantics.Promise) bool {
	var at semantics.Stage
	for _, p := range l.promised() {
		if p.Stage >= s && (at < s || p.Stage < at) || p.Stage < s && at < s && p.Stage > at {
			at = p.Stage
		}
	}
	return func(p semantics.Promise) bool { return p.Stage == at }
}

// permitted reports whether no promise of the lane minds: then it is counted and is no finding. What was acknowledged and lost is one
// all the same, and where nothing is promised everything is: those messages shall be named.
func (l *lane) permitted(c candidate) bool {
	if c.breaks == nil || c.group == lossGroup || l.bare() {
		return false
	}
	for _, p := range l.promised() {
		if c.against(p) {
			return false
		}
	}
	return true
}
