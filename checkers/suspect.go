package checkers

import "waybill/checkers/msgset"

// scanID names a scan of the whole run.
type scanID struct {
	scanKey
	ref uint64
}

// suspect notes the pages of messages on which positions do not agree: between the acknowledgements and a scan, between two
// scans of the checkpoint, or between this checkpoint and the one before. A page in suspicion accuses nobody: a retry that was
// stored twice or a message of unknown outcome stored since is enough. The second reading looks at each of its messages.
func (a *audit) suspect(l *lane, cp *checkpoint) {
	var first *msgset.Sums
	for _, s := range cp.scans {
		a.judged[scanID{s.key, s.ref}] = true
		l.doubt(&s.placed, &l.ackSums)
		l.doubt(&s.again, &l.againSums)
		if l.lastRest != nil {
			l.doubt(l.lastRest, &s.rest)
		}
		if first == nil {
			first = &s.rest
		}
		l.doubt(&s.rest, first)
		for p := range l.restless {
			l.pages[p] = true
		}
	}
	if first != nil {
		l.lastRest = first
	}
	for _, s := range l.scans {
		if s.unsorted {
			l.unsure.Union(&s.twice)
		}
	}
}

func (l *lane) doubt(s, o *msgset.Sums) {
	for p := range s.Differ(o) {
		l.pages[p] = true
	}
}
