package checkers

import "waybill/checkers/msgset"

// ambiguous counts, in the episode of each, the messages that were delivered again too soon or too late to be plainly legal, and for which
// what was observed allows a legal cause as well as an illegal one. A verdict does not rest on them:
//
//   - after a confirmed acknowledgement, by a receive call that was under way when the confirmation came, at its very tick, or of which no
//     begin was recorded;
//   - within the acknowledgement wait of a holder that lived, while a fault was at work, leaders changed, or after the holder stood still.
func (a *audit) ambiguous(l *lane, x *examined) {
	found := map[int]*msgset.Set{}
	add := func(in map[int]*msgset.Set) {
		for ref, msgs := range in {
			if found[ref] == nil {
				found[ref] = &msgset.Set{}
			}
			found[ref].Union(msgs)
		}
	}
	add(x.ambiguous)
	if x.custody != nil {
		add(x.custody.ambiguous)
	}
	for ref, msgs := range found {
		if cp := a.episode(uint64(ref)).ends[l.index]; cp != nil && cp.counts != nil {
			n := msgs.AndNot(illegal(x)).Len()
			cp.counts[countAmbiguous] += n
		}
	}
}

// illegal is the messages whose redelivery has no excuse.
func illegal(x *examined) *msgset.Set {
	out := &msgset.Set{}
	for _, msgs := range x.illegal {
		out.Union(msgs)
	}
	return out
}
