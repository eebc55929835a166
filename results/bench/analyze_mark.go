package bench

import (
	"fmt"
	"slices"

	"waybill/harness/semantics"
)

// severity orders results from what says the least to what says the worst.
var severity = []semantics.Result{"", semantics.NotAffected, semantics.Observed, semantics.Kept, semantics.Inconclusive, semantics.Broken}

func worse(a, b semantics.Result) semantics.Result {
	if slices.Index(severity, b) > slices.Index(severity, a) {
		return b
	}
	return a
}

// mark gathers what the audits of a mode's replicates and the tests of it say. Each piece of evidence is named once.
func (a *analysis) mark(name modeName) Mark {
	m := Mark{Faults: map[string]semantics.Result{}}
	runs := 0
	for _, arm := range a.plan.Arms {
		if modeOf(arm) != name {
			continue
		}
		for _, r := range a.blocks(arm.Name) {
			if r.Verdict.Result == "" {
				continue
			}
			runs++
			m.Runs = worse(m.Runs, r.Verdict.Result)
			if r.Verdict.Result == semantics.Broken {
				m.Evidence = append(m.Evidence, fmt.Sprintf("%s, block %d, run %s: broken", arm.Name, r.Block, r.Run))
			}
		}
	}
	if runs > 0 {
		m.Evidence = append(m.Evidence, fmt.Sprintf("%d audited runs of this benchmark", runs))
	}
	broken := false
	for _, t := range a.tested {
		if t.Target != name.target || t.Verdict.Profile != name.profile {
			continue
		}
		seen := false
		for _, lane := range t.Verdict.Lanes {
			if lane.Mode != name.mode {
				continue
			}
			seen = true
			for _, c := range lane.Cells {
				m.Faults[c.Fault] = worse(m.Faults[c.Fault], c.Result)
				if c.Result == semantics.Kept || c.Result == semantics.Broken {
					m.Tested++
				}
				broken = broken || c.Result == semantics.Broken
			}
		}
		if seen {
			m.Evidence = append(m.Evidence, t.Dir)
		}
	}
	m.Broken = broken || m.Runs == semantics.Broken
	m.Held = m.Tested > 0 && !m.Broken
	return m
}
