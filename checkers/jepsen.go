package checkers

// jepsenNames are what the checker jepsen.tests.kafka calls an anomaly, where it has a name for it, so that two audits of one history can
// be compared. Its values lie at offsets of keys, and a key is a partition.
//
// It tells a lost write from an unseen one by whether anything beyond it was read. A message whose place in the log is known to have been
// read over is the former; one that was accepted, if at all, beyond everything that was read, or that nobody delivered, is the latter.
// What consumers do with a message after the poll it does not judge, so that "lost: in consumer" and duplicate effects have no name there,
// and at a phantom it gives up.
var jepsenNames = map[string]string{
	lostNames[notAccepted]:  "unseen",
	lostNames[vanishedPart]: "lost-write",
	lostNames[inDelivery]:   "unseen",
	"duplicate in store":    "duplicate",
	"misplaced":             "inconsistent-offsets",
	"inconsistent position": "inconsistent-offsets",
	"resurrected":           "G1a",
	"reordered":             "nonmonotonic-send",
	"skipped":               "poll-skip",
	"nonmonotonic":          "nonmonotonic-poll",
}

// jepsen names a finding as Jepsen does; "" where it does not, or where the queue has no offsets.
func (l *lane) jepsen(anomaly string) string {
	if !l.traits.Scannable {
		return ""
	}
	return jepsenNames[anomaly]
}
