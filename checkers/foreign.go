package checkers

import "waybill/harness/semantics"

// foreignToken: a token of another run. It breaks no promise: the queue, or the effect store, was not new, so that an assumption
// of the audit failed.
type foreignToken struct{}

func (foreignToken) at(l *lane, _ *checkpoint) []candidate {
	var out []candidate
	for s := range l.foreign {
		f := &l.foreign[s]
		if f.n == 0 || f.reported {
			continue
		}
		out = append(out, candidate{anomaly: "foreign", stage: semantics.Stage(s), tokens: f.tokens, count: f.n})
		f.reported = true // the next scan finds them again
	}
	return out
}
