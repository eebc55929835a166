package checkers

import (
	"slices"

	"waybill/checkers/msgset"
	"waybill/harness/history"
)

// conclude mends the candidates of the first reading by what the second one knows exactly, and adds those that only it can see.
func (a *audit) conclude(l *lane, x *examined, once bool) {
	if once {
		a.accepted(l, x)
		l.apart(x)
		x.reused.tell(l, a.in.Experiment.Run)
		a.ambiguous(l, x)
	}
	for _, c := range exactChecks {
		found := c.exact(l, x)
		slices.SortFunc(found, func(a, b candidate) int { return a.episode - b.episode })
		for _, f := range found {
			l.claim(f, f.episode)
		}
	}
}

// accepted moves messages from "not accepted" to "vanished" where their confirmation named a position that the scans cover: the
// broker had them, or said so precisely enough.
func (a *audit) accepted(l *lane, x *examined) {
	var moved []*candidate
	for _, c := range l.found {
		if c.anomaly != lostNames[notAccepted] {
			continue
		}
		had := &msgset.Set{}
		for m := range c.msgs.All() {
			if p, ok := x.answers[m]; ok && a.covered(l, c.episode, p) {
				had.Add(m)
			}
		}
		if had.Len() == 0 {
			continue
		}
		c.msgs = c.msgs.AndNot(had)
		l.parts[notAccepted] = *l.parts[notAccepted].AndNot(had)
		l.parts[vanishedPart].Union(had)
		to := *c
		to.anomaly, to.stage, to.msgs, to.breaks = lostNames[vanishedPart], lostStages[vanishedPart], had, forbidsLossFrom(lostStages[vanishedPart])
		moved = append(moved, &to)
	}
	for _, c := range moved {
		l.merge(c)
	}
}

// merge adds a candidate to the one of the same anomaly, stage and episode, if there is one.
func (l *lane) merge(c *candidate) {
	for _, o := range l.found {
		if o.anomaly == c.anomaly && o.episode == c.episode && o.stage == c.stage && o.detail == c.detail && c.tokens == nil {
			o.msgs = o.msgs.Or(c.msgs)
			return
		}
	}
	l.found = append(l.found, c)
}

func (a *audit) covered(l *lane, ref int, p history.Position) bool {
	cp := a.episode(uint64(ref)).ends[l.index]
	if cp == nil {
		return false
	}
	for _, s := range cp.scans {
		if s.spans.cover(p) {
			return true
		}
	}
	return false
}

// apart drops duplicates that a scan merely read twice at one position.
func (l *lane) apart(x *examined) {
	for _, c := range l.found {
		if c.group == "duplicate in store" {
			c.msgs = c.msgs.AndNot(l.unsure.AndNot(&x.apart))
		}
	}
	l.storedTwice = *l.storedTwice.AndNot(l.unsure.AndNot(&x.apart))
}
