package story

import (
	"strings"

	"waybill/harness/history"
	"waybill/harness/semantics"
)

// definition is what an anomaly is in words, and which observations of one message prove it.
type definition struct {
	words  string
	proves func(t *tale, l *line, f semantics.Finding) bool
}

// definitions are by the anomaly's name; a name that goes on behind one of them, like "vanished: not on replica n2", is that one.
// The longest name that fits is taken.
var definitions = map[string]definition{
	"lost: not accepted": {"The broker acknowledged the message to its producer, and it was never seen in the store, nor to come out of it, nor among the effects.",
		anyOf(acknowledged, missing)},
	"lost: vanished": {"The broker acknowledged the message, and it was in the store or was said to lie within a range that a complete scan read; that scan lacks it, and it has no effect.",
		anyOf(acknowledged, found, missing, displaced)},
	"lost: in delivery": {"The broker acknowledged and stored the message, and after everything was drained no delivery of it had ended in an acknowledgement: no consumer finished it.",
		anyOf(acknowledged, found, delivered, missing)},
	"lost: in consumer": {"A consumer acknowledged the message, or took it in a mode without acknowledgements, and had not applied it: it has no effect, and the broker is not to blame for it alone.",
		anyOf(acknowledged, delivered, confirmed, act(Applied), act(NoEffect))},
	"lost: in effect store": {"The message was recorded as applied, or its transaction as committed, or its effect was read before; and its effect is not where effects live.",
		anyOf(acknowledged, act(Applied), committed, act(Effect), act(NoEffect))},
	"vanished": {"The message was acknowledged and applied, and a complete scan of the store lacks it, though no acknowledgement of a consumer and no declared policy removed it.",
		anyOf(acknowledged, found, act(Absent), displaced)},
	"duplicate in store": {"One scan finds more than one visible copy of the message, at positions apart, within one scope of deduplication.",
		anyOf(twice(Stored), act(Sent))},
	"duplicate delivery": {"The message was delivered more than once in a mode in which nothing asks for it again.", anyOf(delivered)},
	"illegal redelivery": {"One stored copy was delivered again although its acknowledgement had been confirmed before the receive call began that fetched it.",
		anyOf(delivered, confirmed)},
	"duplicate effect": {"The effect of the message is there more than once, as read back from where effects live.", anyOf(twice(Effect), seenOf, worked)},
	"misplaced": {"A confirmation named a position within the range of a complete scan, and the scan finds another message there, or none, while a copy of this one lies elsewhere.",
		anyOf(acknowledged, found, displaced)},
	"inconsistent position": {"Within one epoch of the log, a position at which the message was seen holds something else in another scan: a log entry that readers saw has moved.",
		anyOf(found, acknowledged, displaced)},
	"phantom": {"A well-formed token of this run that none of its producers ever sent.", anyOf(found, delivered, act(Effect))},
	"corrupt": {"The checksum in the token does not fit the key and payload that it came with.", corrupt},
	"foreign": {"A token of another run: the queue, or the effect store, was not new, so that an assumption of the audit failed. It breaks no promise.",
		anyOf(found, delivered, act(Effect))},
	"resurrected": {"The message is visible although every attempt to send it was certainly rejected; or its output is, although the transaction that wrote it aborted or nobody called its commit.",
		anyOf(rejected, undone, revived)},
	"torn": {"After everything was drained, readers of committed messages see some outputs of one transaction and not the others. This message is one that they do not see.",
		anyOf(act(Transaction), act(NoEffect))},
	"reordered": {"The mode promises order, and the message lies, or was delivered, before another of the same key and session that was sent and acknowledged before this one's first send began.",
		anyOf(acknowledged, displaced)},
	"reordered in delivery": {"The mode promises order, and the message was delivered after another of the same key and session that was sent later.",
		anyOf(act(Sent), displaced, delivered)},
	"nonlinear": {"As far as its appends show it, the log is not linearizable: the message lies below another of its partition whose acknowledgement had arrived before this one was first sent.",
		anyOf(acknowledged, displaced)},
	"early redelivery": {"One copy was held by two consumers at once: it was delivered to another life before the acknowledgement wait of the first delivery had passed, though its holder lived and had not given it back.",
		anyOf(delivered, act(Assignment))},
	"skipped":      {"A consumer that held its partition alone was given a message beyond this one, which was visible, and never this one: without an assignment, seek or reset between.", anyOf(found, displaced)},
	"nonmonotonic": {"A consumer that held its partition alone was given this message again, or after one beyond it: without an assignment, seek or reset between.", anyOf(delivered, displaced)},
	"stuck":        {"After a verified heal the queue could not be drained within Waybill's limit. That is a limit of ours, not a promise of the vendor's.", act(Fault)},
	"unavailable":  {"After a verified heal no message came through within Waybill's limit. That is a limit of ours, not a promise of the vendor's.", act(Fault)},
}

// define is the definition of an anomaly. One that has no words here is proven by all that is known of the message.
func define(anomaly string) definition {
	best := ""
	for name := range definitions {
		if isA(anomaly, name) && len(name) > len(best) {
			best = name
		}
	}
	if best != "" {
		return definitions[best]
	}
	return definition{"What the finding's own words say: " + printable(anomaly) + ".", func(_ *tale, l *line, _ semantics.Finding) bool { return l.Act.own() }}
}

// Definition is what an anomaly is, in words.
func Definition(anomaly string) string { return define(anomaly).words }

// isA reports whether an anomaly is the one of that name, whatever is said behind it.
func isA(anomaly, name string) bool {
	rest, ok := strings.CutPrefix(anomaly, name)
	return ok && (rest == "" || strings.HasPrefix(rest, ":") || strings.HasPrefix(rest, " "))
}

// anyOf holds where one of several does.
func anyOf(of ...func(*tale, *line, semantics.Finding) bool) func(*tale, *line, semantics.Finding) bool {
	return func(t *tale, l *line, f semantics.Finding) bool {
		for _, one := range of {
			if one(t, l, f) {
				return true
			}
		}
		return false
	}
}

func act(a Act) func(*tale, *line, semantics.Finding) bool {
	return func(_ *tale, l *line, _ semantics.Finding) bool { return l.Act == a }
}

// twice is an observation that finds more than one.
func twice(a Act) func(*tale, *line, semantics.Finding) bool {
	return func(_ *tale, l *line, _ semantics.Finding) bool { return l.Act == a && l.seen > 1 }
}

func acknowledged(_ *tale, l *line, _ semantics.Finding) bool {
	return l.Act == Sent && l.status == history.Acked
}

func rejected(_ *tale, l *line, _ semantics.Finding) bool {
	return l.Act == Sent && l.status == history.Rejected
}

func found(_ *tale, l *line, _ semantics.Finding) bool     { return l.Act == Stored }
func delivered(_ *tale, l *line, _ semantics.Finding) bool { return l.Act == Delivered }
func displaced(_ *tale, l *line, _ semantics.Finding) bool { return l.Act == Displaced }

// confirmed is a consumer's acknowledgement, answered where the broker answers.
func confirmed(_ *tale, l *line, f semantics.Finding) bool {
	return l.Act == Acked && (l.status == history.Confirmed || f.Anomaly != "illegal redelivery")
}

func committed(_ *tale, l *line, _ semantics.Finding) bool {
	return l.Act == Transaction && l.status == history.OK
}

// missing is what a scan or a readback lacks.
func missing(_ *tale, l *line, _ semantics.Finding) bool {
	return l.Act == Absent || l.Act == NoEffect
}

func corrupt(_ *tale, l *line, _ semantics.Finding) bool { return l.flags&history.Corrupt != 0 }

// undone is a transaction that did not commit, or whose end nobody called, and whose output is there all the same.
func undone(t *tale, l *line, f semantics.Finding) bool {
	return seenOf(t, l, f) && (l.status == history.Aborted || !l.txn.commit)
}

// seenOf is a transaction whose output of this message readers of committed messages see.
func seenOf(t *tale, l *line, _ semantics.Finding) bool {
	return l.Act == Transaction && l.txn.visible[t.ask.Msg]
}

// worked is an application that was not said to fail.
func worked(_ *tale, l *line, _ semantics.Finding) bool {
	return l.Act == Applied && l.status != history.Failed
}

// revived is a message seen although it was rejected, or by what an aborted transaction wrote.
func revived(t *tale, l *line, _ semantics.Finding) bool {
	switch l.Act {
	case Effect:
		return l.txn == nil || l.txn.status != history.OK
	case Stored, Delivered:
		return t.counts.acked == 0
	}
	return false
}
