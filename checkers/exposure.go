package checkers

import (
	"strings"

	"waybill/harness/semantics"
)

// exposure is what must have been seen in an episode for a promise to count as tried by its fault. Without it nothing was at
// risk, and absence of anomalies means nothing.
//
//	at least once, stored      sends unresolved during the strike, and sends acknowledged before it
//	exactly once, stored       those, and a retry of a copy that was stored; see below where the producer's library retries
//	at most once               messages on their way during the strike
//	at least once, applied     consumer faults: a delivery held unacknowledged by a victim, delivered to another life afterwards;
//	                           other faults: messages on their way during the strike, applied later; where the store cannot be read,
//	                           what at least once stored needs as well, since this promise stands for that one
//	exactly once, applied      those, and a dedup hit after the strike; in transactions instead: one open at the strike (for consumer
//	                           faults, at the victim), and one in the episode that was aborted, fenced or whose end is unknown
//	pause-consumer             also: its messages went to another life before it woke, and then it tried to apply or acknowledge
//	kill-, isolate-leader      also: a new leader of a partition, and sends acknowledged before and after
//	faults of frames           also: that it happened; see frames
//	power-failure              also: disks that lost power, and sends acknowledged in the last second before; see power
//
// In a mode whose producer's library retries within its session, nobody else does, and the broker does not say which copies it had
// already. Its retry is an acknowledgement which says that the library sent the message more than once, of a message that is stored
// once. It is needed of faults that are certain to lose answers to sends in flight: those that swallow the answers (lose-confirms, drop-confirms,
// cut-clients), and those that strike the node that every send waits for (kill-leader and isolate-leader of the queue, kill-all, and
// power-failure of all). A fault of one node, whichever it is, may strike one for which nothing was under way: there retries are shown and
// not needed. And none can come of faults that leave the session's connections alone, or end the session (kill-producer): its successor
// sends other messages.
//
// Where the consumer acknowledges before it applies, nothing is ever held unacknowledged while it is worked on, and at most once is all
// that can be promised: what is at risk is whatever is on its way, which includes what was acknowledged and not yet applied.
func (ep *episode) exposure(l *lane, p semantics.Promise) []semantics.Exposure {
	x := ep.of(l)
	if calm(ep.Fault) {
		if p.Guarantee.ForbidsLoss() {
			return []semantics.Exposure{{What: "messages acknowledged in the run", Seen: l.acked.Len(), Need: 1}}
		}
		return []semantics.Exposure{{What: "messages sent in the run", Seen: l.sent.Len(), Need: 1}}
	}
	var out []semantics.Exposure
	need := func(what string, seen int64) { out = append(out, semantics.Exposure{What: what, Seen: seen, Need: 1}) }
	switch {
	case empty(p):
		return []semantics.Exposure{{What: "messages on their way during the strike", Seen: x.pipe.Len()}}
	case p.Stage == semantics.Stored && l.traits.Confirms:
		need("sends unresolved during the strike", x.unresolved)
		need("sends acknowledged before the strike", x.ackedBefore)
		if p.Guarantee == semantics.ExactlyOnce {
			out = append(out, ep.retries(l)...)
		}
	case !p.Guarantee.ForbidsLoss():
		need("messages on their way during the strike", x.pipe.Len())
	default:
		if takesConsumers(ep.Fault) && l.holds() {
			need("deliveries held unacknowledged when struck", int64(len(x.held)))
			need("of those, delivered to another life afterwards", x.elsewhere.Len())
			if base(ep.Fault) == "pause-consumer" {
				need("of those, before the paused one woke", x.meanwhile.Len())
				need("late attempts to apply or acknowledge", x.zombie)
			}
		} else {
			if l.traits.Confirms && !l.traits.Scannable && p.Stage == semantics.Applied {
				need("sends unresolved during the strike", x.unresolved)
				need("sends acknowledged before the strike", x.ackedBefore)
			}
			need("messages on their way during the strike, applied later", x.arrived(l))
		}
		switch {
		case p.Guarantee != semantics.ExactlyOnce || p.Stage != semantics.Applied:
		case l.traits.Transactional:
			if takesConsumers(ep.Fault) {
				need("transactions open at the victim when struck", x.victimTxns)
			} else {
				need("transactions open during the strike", x.openTxns)
			}
			need("transactions aborted, fenced or of unknown end", x.failedTxns)
		default:
			need("effects that the ledger had already", x.dedupEffect)
		}
	}
	if takesLeader(ep.Fault) && l.traits.Leader {
		of := leaderOf(ep.Fault)
		need("new leaders of the "+of, x.newLeader[of])
		if l.traits.Confirms {
			if p.Stage != semantics.Stored {
				need("sends acknowledged before the strike", x.ackedBefore)
			}
			need("sends acknowledged after the strike", x.ackedAfter)
		}
	}
	return distinct(append(append(out, ep.frames(l, p)...), ep.power(l, p)...))
}

// holds reports whether consumers hold deliveries while they work on them.
func (l *lane) holds() bool { return l.traits.Transactional || l.traits.Acks }

// retries is what exactly once stored needs beyond at least once.
func (ep *episode) retries(l *lane) []semantics.Exposure {
	x := ep.of(l)
	if base(ep.Fault) == "duplicate-requests" {
		return nil // each of its copies is one
	}
	if !l.traits.Session {
		return []semantics.Exposure{{What: "retries of a stored copy that found it stored once", Seen: x.deduplicated(l), Need: 1}}
	}
	switch e := (semantics.Exposure{What: semantics.ResentStoredOnce, Seen: x.deduplicated(l)}); {
	case losesAnswers(ep.Fault, l):
		e.Need = 1
		return []semantics.Exposure{e}
	case e.Seen > 0:
		return []semantics.Exposure{e}
	}
	return nil
}

// losesAnswers reports whether a fault is certain to come between a send in flight and its answer.
func losesAnswers(fault string, l *lane) bool {
	if allPower(fault) {
		return true
	}
	switch base(fault) {
	case "lose-confirms", "drop-confirms", "cut-clients", "kill-all":
		return true
	case "kill-leader", "isolate-leader":
		return l.traits.Leader && leaderOf(fault) == "queue"
	}
	return false
}

// deduplicated counts retries that the store answered with "have it", or, from a broker that never says so, retries of an unknown
// attempt of which the store holds one copy.
func (x *exposed) deduplicated(l *lane) int64 {
	if l.dedupStore > 0 {
		return x.dedupStore
	}
	return x.kept.AndNot(&l.storedTwice).Len()
}

// arrived counts the messages that were on their way and were applied in the end.
func (x *exposed) arrived(l *lane) int64 { return x.pipe.And(&l.readEver).Len() }

func takesConsumers(fault string) bool {
	return base(fault) == "kill-consumer" || base(fault) == "pause-consumer"
}

func takesLeader(fault string) bool {
	b := base(fault)
	return strings.HasPrefix(b, "kill-leader") || strings.HasPrefix(b, "isolate-leader")
}

// leaderOf is what the victim of a leader fault leads.
func leaderOf(fault string) string {
	if of := param(fault, "of"); of != "" {
		return of
	}
	return "queue"
}

// distinct drops what is needed twice, for two reasons.
func distinct(list []semantics.Exposure) []semantics.Exposure {
	seen := map[string]bool{}
	out := list[:0]
	for _, e := range list {
		if !seen[e.What] {
			seen[e.What] = true
			out = append(out, e)
		}
	}
	return out
}

// unmet names the first exposure that was not seen, or "".
func unmet(list []semantics.Exposure) string {
	for _, e := range list {
		if !e.Met() {
			return e.What
		}
	}
	return ""
}
