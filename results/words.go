package results

import (
	"fmt"
	"slices"
	"strings"

	"waybill/harness/semantics"
	"waybill/results/look"
)

// The sentences that more than one view says.

// headline is the verdict in a few words.
func headline(v semantics.Verdict) string {
	switch v.Result {
	case semantics.Kept:
		return "Every promise kept"
	case semantics.Broken:
		if newGrid(v).tally()[semantics.Broken] == 0 && liveBroken(v) > 0 {
			return "No promise of the vendor broken, but a limit of liveness"
		}
		return "A promise was broken"
	case semantics.Inconclusive:
		return "No promise broken, but not everything could be concluded"
	default:
		return "No verdict: " + look.Visible(string(v.Result))
	}
}

// liveBroken counts how often a lane did not come back, or did not drain, within the limits.
func liveBroken(v semantics.Verdict) int64 {
	var n int64
	for _, e := range v.Episodes {
		for _, r := range e.Liveness {
			if r == semantics.Broken {
				n++
			}
		}
	}
	return n
}

// exitMeaning says what an exit code of test and audit means.
func exitMeaning(code int) string {
	switch code {
	case 0:
		return "every promise kept"
	case 1:
		return "a promise was broken"
	case 2:
		return "none broken, some inconclusive"
	case 3:
		return "bad usage or experiment"
	default:
		return "the harness or the broker could not be run"
	}
}

// summary is one sentence on how much a verdict rests on.
func summary(v semantics.Verdict) string {
	var sent int64
	for _, l := range v.Lanes {
		sent += l.Ledger.Sent
	}
	t := newGrid(v).tally()
	var parts []string
	for _, r := range []semantics.Result{semantics.Broken, semantics.Inconclusive, semantics.Kept, semantics.Observed, semantics.NotAffected} {
		if t[r] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", t[r], r))
		}
	}
	if len(parts) == 0 {
		parts = []string{"none judged"}
	}
	var faults int64
	for _, e := range v.Episodes {
		if !faultless(e.Fault) {
			faults++
		}
	}
	live := ""
	if n := liveBroken(v); n > 0 {
		live = fmt.Sprintf(" Liveness failed %s.", look.Plural(n, "time"))
	}
	return fmt.Sprintf("%s were sent through %s of %s under %s; of the cells, %s.%s",
		look.Plural(sent, "message"), look.Plural(int64(len(v.Lanes)), "mode"), look.Visible(v.Target),
		look.Plural(faults, "fault"), strings.Join(parts, ", "), live)
}

// findingVerb says what a finding does to the verdict. Liveness has limits of ours, not promises of the vendor's.
func findingVerb(v semantics.Verdict, f semantics.Finding) string {
	switch {
	case !f.Breaks:
		return leniency(v, f)
	case strings.HasPrefix(f.Anomaly, "unavailable") || strings.HasPrefix(f.Anomaly, "stuck"):
		return "breaks a limit of liveness"
	default:
		return "breaks the promise"
	}
}

// leniency says why a finding breaks nothing.
func leniency(v semantics.Verdict, f semantics.Finding) string {
	said := "permitted, counted"
	for _, l := range v.Lanes {
		for _, c := range l.Cells {
			if l.Name != f.Lane || !slices.Contains(c.Findings, f.ID) {
				continue
			}
			switch c.Result {
			case semantics.Observed:
				return "observed, breaks nothing: " + look.Visible(c.Why)
			case semantics.Inconclusive:
				said = "not judged"
			}
		}
	}
	return said
}

// losses are the five kinds of loss in the order of the stages.
func losses(l semantics.Losses) []countOf {
	return []countOf{
		{"not accepted", l.NotAccepted}, {"vanished", l.Vanished}, {"in delivery", l.InDelivery},
		{"in consumer", l.InConsumer}, {"in effect store", l.InEffect},
	}
}

// boundNote explains n and the bound beside it.
const boundNote = "n counts independent injections of a fault with full exposure, never messages. ≤95% beside n=1: with no violation in n of them, the chance of one per fault is at most 1 − 0.05^(1/n), at 95 % confidence (n=5: 45%, n=20: 14%, n=59: 5%)."

// liveNote says whose limits liveness is judged by.
const liveNote = "Liveness is judged by Waybill's own limits, not by the vendor's words."

// unmet are the exposures of which too little was seen.
func unmet(c semantics.Cell) []semantics.Exposure {
	return slices.DeleteFunc(slices.Clone(c.Exposure), semantics.Exposure.Met)
}

// whyNot is the reason of a cell that is not plainly kept, built from its exposures when the audit gave none.
func whyNot(c semantics.Cell) string {
	if c.Why != "" {
		return look.Visible(c.Why)
	}
	var parts []string
	for _, e := range unmet(c) {
		parts = append(parts, fmt.Sprintf("%s: %s of %s", look.Visible(e.What), look.Count(e.Seen), look.Count(e.Need)))
	}
	return strings.Join(parts, "; ")
}

// whyOf is a cell's reason in one line: for one without words of its own, what was found.
func whyOf(v semantics.Verdict, c semantics.Cell) string {
	if why := whyNot(c); why != "" {
		return why
	}
	var parts []string
	for _, f := range findingsOf(v, c) {
		parts = append(parts, fmt.Sprintf("%s ×%s", look.Visible(f.Anomaly), look.Count(f.Count)))
	}
	return strings.Join(parts, "; ")
}

func findingsOf(v semantics.Verdict, c semantics.Cell) []semantics.Finding {
	var fs []semantics.Finding
	for _, id := range c.Findings {
		for _, f := range v.Findings {
			if f.ID == id {
				fs = append(fs, f)
			}
		}
	}
	return fs
}
