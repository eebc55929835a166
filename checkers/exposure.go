package checkers

import (
	"strings"

	"waybill/harness/semantics"
)

// exposure is what must have been seen in an episode for a promise to count as tried by its fault. Without it nothing was at
// risk, and absence of anomalies means nothing.
//
//	at least once, stored      sends unresolved during the strike, and sends acknowledged before it
//	exactly once, stored       those, and a retry of a copy that was stored
//	at most once               messages on their way during the strike
//	at least once, applied     consumer faults: a delivery held unacknowledged by a victim, delivered to another life afterwards;
//	                           other faults: messages on their way during the strike, applied later
//	exactly once, applied      those, and a dedup hit after the strike
//	pause-consumer             also: its messages went to another life before it woke, and then it tried to apply or acknowledge
//	kill-, isolate-leader      also: a new leader, and sends acknowledged before and after
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
	case p.Stage == semantics.Stored && l.traits.Confirms:
		need("sends unresolved during the strike", x.unresolved)
		need("sends acknowledged before the strike", x.ackedBefore)
		if p.Guarantee == semantics.ExactlyOnce {
			need("retries of a stored copy that found it stored once", x.deduplicated(l))
		}
	case !p.Guarantee.ForbidsLoss():
		need("messages on their way during the strike", x.pipe.Len())
	default:
		if takesConsumers(ep.Fault) && l.traits.Acks {
			need("deliveries held unacknowledged when struck", int64(len(x.held)))
			need("of those, delivered to another life afterwards", x.elsewhere.Len())
			if base(ep.Fault) == "pause-consumer" {
				need("of those, before the paused one woke", x.meanwhile.Len())
				need("late attempts to apply or acknowledge", x.zombie)
			}
		} else {
			need("messages on their way during the strike, applied later", x.arrived(l))
		}
		if p.Guarantee == semantics.ExactlyOnce && p.Stage == semantics.Applied {
			need("effects that the ledger had already", x.dedupEffect)
		}
	}
	if takesLeader(ep.Fault) && l.traits.Leader {
		of := param(ep.Fault, "of")
		if of == "" {
			of = "queue"
		}
		need("new leaders of the "+of, x.newLeader[of])
		if l.traits.Confirms {
			if p.Stage != semantics.Stored {
				need("sends acknowledged before the strike", x.ackedBefore)
			}
			need("sends acknowledged after the strike", x.ackedAfter)
		}
	}
	return out
}

// deduplicated counts retries that the store answered with "have it", or, from a broker that never says so, retries of an unknown
// attempt of which the store holds one copy.
func (x *exposed) deduplicated(l *lane) int64 {
	if l.dedupStore > 0 {
		return x.dedupStore
	}
	return x.retried.And(l.visible).AndNot(&l.storedTwice).Len()
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

// unmet names the first exposure that was not seen, or "".
func unmet(list []semantics.Exposure) string {
	for _, e := range list {
		if !e.Met() {
			return e.What
		}
	}
	return ""
}
