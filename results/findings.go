package results

import (
	"fmt"

	"waybill/harness/semantics"
)

// findingRun is findings of one lane that follow each other and differ in the episode, the messages and nothing else. What breaks a
// promise is never folded.
type findingRun struct {
	semantics.Finding                   // of the first one, with the count of all
	last              semantics.Finding // the last one
}

// gatherFindings folds what a terminal would say again and again: a mode that loses by design does so in every episode.
func gatherFindings(v semantics.Verdict) []findingRun {
	var out []findingRun
	for _, f := range v.Findings {
		if n := len(out); n > 0 && out[n-1].goesOn(v, f) {
			out[n-1].Count += f.Count
			out[n-1].last = f
			continue
		}
		out = append(out, findingRun{f, f})
	}
	return out
}

func (r findingRun) goesOn(v semantics.Verdict, f semantics.Finding) bool {
	return !r.Breaks && !f.Breaks && r.Lane == f.Lane && r.Anomaly == f.Anomaly && r.Stage == f.Stage && r.Detail == f.Detail &&
		r.last.ID+1 == f.ID && findingVerb(v, r.last) == findingVerb(v, f)
}

func (r findingRun) single() bool { return r.ID == r.last.ID }

func (r findingRun) ids() string {
	if r.single() {
		return fmt.Sprintf("#%d", r.ID)
	}
	return fmt.Sprintf("#%d to #%d", r.ID, r.last.ID)
}

func (r findingRun) episodes() string {
	if r.single() {
		return fmt.Sprintf("episode %d", r.Episode)
	}
	return fmt.Sprintf("episodes %d to %d", r.Episode, r.last.Episode)
}

// fault names the fault of the one episode.
func (r findingRun) fault(v semantics.Verdict) string {
	if r.single() {
		return faultOf(v, r.Episode)
	}
	return ""
}
