package checkers

import "waybill/harness/semantics"

// corrupt: the checksum of a token does not match the key and payload that it came with.
type corrupt struct{}

func (corrupt) at(l *lane, cp *checkpoint) []candidate {
	var out []candidate
	for s := semantics.Stored; s <= semantics.Applied; s++ {
		out = append(out, candidate{anomaly: "corrupt", group: "corrupt", stage: s, msgs: &l.corrupt[s], breaks: alwaysForbidden(l, s)})
	}
	return out
}
