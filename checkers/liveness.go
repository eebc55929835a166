package checkers

import (
	"fmt"
	"time"

	"waybill/harness/history"
	"waybill/harness/semantics"
)

// live judges an episode's liveness on one lane against Waybill's declared limits, which are not the vendor's words: whether it was
// unavailable, or stuck. It is a column of its own: kept, broken, or inconclusive where nobody looked. A mode that promises nothing is merely observed: its
// messages need not come out again. So is a lane from whose store a loss of power took what nobody had promised to keep: its consumers'
// own state may be ahead of what is left, and then new messages take the places of old ones and are passed over.
func (ep *episode) live(l *lane, x limits, robbed bool) (semantics.Result, string) {
	cp := ep.ends[l.index]
	healed := ep.healed[l.index]
	switch {
	case l.bare():
		return semantics.Observed, nothingPromised
	case robbed:
		return semantics.Observed, "after a loss of power outside the promise"
	case healed != nil && healed.Status != history.OK:
		return semantics.Broken, because(fmt.Sprintf(unavailable+": no sentinel was acknowledged and delivered within %v of recovery", x.heal), healed.Text)
	case cp != nil && cp.status != history.OK && cp.reason == history.LimitReached:
		return semantics.Broken, because(fmt.Sprintf(stuck+": not drained within %v", x.drain), cp.why)
	case l.back[ep.number] > 0:
		return semantics.Broken, fmt.Sprintf(unavailable+": %d acknowledged messages could not be read at the checkpoint, and could later", l.back[ep.number])
	case cp == nil:
		return semantics.Inconclusive, "no checkpoint"
	case cp.status != history.OK:
		return semantics.Inconclusive, because("drain not proven", cp.why)
	case healed == nil && !ep.final && !calm(ep.Fault):
		return semantics.Inconclusive, "nobody looked whether the service came back"
	}
	return semantics.Kept, ""
}

// liveness is what live says, where the harness gave the service a chance: of what did not come back although its fault, or one before it,
// was perhaps never undone, nothing can be said.
func (a *audit) liveness(l *lane, ep *episode) (semantics.Result, string) {
	r, text := ep.live(l, limits{a.in.Experiment.Limits.Heal, a.in.Experiment.Limits.Drain}, a.robbed(l, ep))
	if r != semantics.Broken {
		return r, text
	}
	for _, before := range a.chain() {
		if before.struck() && !calm(before.Fault) && before.unhealed() != "" {
			if before != ep {
				return semantics.Inconclusive, fmt.Sprintf("tainted by episode %d: %s", before.number, text)
			}
			return semantics.Inconclusive, before.unhealed() + ": " + text
		}
		if before == ep {
			break
		}
	}
	return r, text
}

// limits is what liveness is judged against.
type limits struct{ heal, drain time.Duration }

// recall takes back what was called lost and is applied after all: it was unavailable for a while.
func (l *lane) recall() {
	l.back = map[int]int64{}
	for _, c := range l.found {
		if c.group != lossGroup {
			continue
		}
		back := c.msgs.And(l.read.once)
		l.back[c.episode] += back.Len()
		c.msgs = c.msgs.AndNot(back)
	}
}

// because appends a reason, where there is one.
func because(what, why string) string {
	if why == "" {
		return what
	}
	return what + ": " + why
}
