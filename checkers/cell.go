package checkers

import (
	"fmt"
	"strings"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// judgement is what the cells of one lane are decided from.
type judgement struct {
	lane     *lane
	episodes []*episode // scheduled ones in order, whether they began or not, then the final one if it began
	spared   func(ep *episode, s semantics.Stage) string
	cut      []string // segments of this lane, or of all lanes, that are not whole
	global   string   // an assumption of the whole run that failed
	cutShort string
	missing  bool // nothing was ever sent
}

// taint is why nothing can be said about a lane any more.
type taint struct {
	by      int
	outside bool // by a fault outside the promise, rather than by one that was not healed
}

// cells judges each promise in each episode.
func (j *judgement) cells(ids map[*candidate]int, broke map[*candidate]bool) []semantics.Cell {
	var out []semantics.Cell
	var t *taint
	for _, ep := range j.episodes {
		for _, p := range j.lane.promised() {
			c := semantics.Cell{Episode: ep.number, Fault: ep.Fault, Stage: p.Stage, Guarantee: p.Guarantee, Ordered: p.Ordered, Atomic: p.Atomic}
			var stand, rest []*candidate // findings that stand, and absences that rest on something cut
			var lost, vanished int64
			for _, f := range j.lane.found {
				if f.episode != ep.number || f.number() == 0 || !j.lane.concerns(f, p) {
					continue
				}
				c.Findings = append(c.Findings, ids[f])
				if f.group == lossGroup {
					lost += f.number()
				}
				if f.anomaly == vanishedGroup { // from every replica
					vanished += f.number()
				}
				switch {
				case !f.against(p):
				case f.absence && len(j.cut) > 0:
					rest = append(rest, f)
				default:
					stand = append(stand, f)
				}
			}
			if ep.began() {
				c.Exposure = ep.exposure(j.lane, p)
				c.Counts = j.lane.shown(ep, p.Stage)
			}
			if lost > 0 && c.Counts != nil {
				c.Counts[countLost] = lost
			}
			if vanished > 0 && c.Counts != nil {
				c.Counts[countVanished] = vanished
			}
			c.Result, c.Why = j.result(ep, p, t, c.Exposure, stand, rest)
			if c.Result == semantics.Broken {
				for _, f := range stand {
					broke[f] = true
				}
			}
			out = append(out, c)
		}
		if t == nil {
			t = j.taints(ep)
		}
	}
	number(out)
	return out
}

// result decides one cell. The order is the rule: what is outside the promise is never judged, a broken cell is never masked by
// an inconclusive one, and kept is what remains when every reason against it is gone.
func (j *judgement) result(ep *episode, p semantics.Promise, t *taint, seen []semantics.Exposure, stand, rest []*candidate) (semantics.Result, string) {
	spared := j.spared(ep, p.Stage)
	outside := !ep.final && !calm(ep.Fault) && !p.Covers(base(ep.Fault)) && !p.Covers(ep.Fault)
	switch {
	case empty(p):
		return semantics.Observed, nothingPromised
	case spared == "" && outside:
		return semantics.Observed, "outside the promise"
	case t != nil && ep.final && t.outside:
		return semantics.Observed, fmt.Sprintf("after episode %d, which is outside the promise", t.by)
	case t != nil && spared == "":
		return semantics.Inconclusive, fmt.Sprintf("tainted by episode %d", t.by)
	case t == nil && len(stand) > 0:
		return semantics.Broken, list(stand)
	case len(rest) > 0:
		return semantics.Inconclusive, fmt.Sprintf("%s, which rests on what is missing: %s", list(rest), strings.Join(j.cut, "; "))
	case spared != "":
		return semantics.NotAffected, spared
	}
	if why := j.doubt(ep, p, seen); why != "" {
		return semantics.Inconclusive, why
	}
	return semantics.Kept, ""
}

// nothingPromised is why a cell of a mode without a promise is not judged.
const nothingPromised = "nothing is promised"

// concerns reports whether a finding is listed with a promise's cell: one that contradicts it, one that it permits (a loss), and where
// nothing is promised every one that was visible by that stage.
func (l *lane) concerns(f *candidate, p semantics.Promise) bool {
	return f.against(p) || (f.group == lossGroup || empty(p)) && f.stage <= p.Stage
}

// doubt is the first reason why a cell without findings is not kept, or "".
func (j *judgement) doubt(ep *episode, p semantics.Promise, seen []semantics.Exposure) string {
	l := j.lane
	cp := ep.ends[l.index]
	healed := ep.healed[l.index]
	fault := !ep.final && !calm(ep.Fault)
	switch {
	case !ep.began():
		return because("not run", j.cutShort)
	case j.missing:
		return "nothing was sent"
	case ep.refused != "":
		return "the fault was refused: " + ep.refused
	case fault && !ep.struck():
		return because("the fault never struck", j.cutShort)
	case fault && !ep.observed:
		return "nobody saw whether the fault bit"
	case fault && !ep.bit:
		return because("the fault did not bite", ep.biteText)
	case fault && ep.unhealed() != "":
		return ep.unhealed()
	case healed != nil && healed.Status != history.OK:
		return because("the service did not come back", healed.Text)
	case unmet(seen) != "":
		return "not exercised: no " + unmet(seen)
	case cp == nil:
		return because("no checkpoint", j.cutShort)
	case cp.status != history.OK:
		return because("drain not proven", cp.why)
	case cp.read == nil:
		return "the effects were not read back"
	}
	if p.Guarantee.ForbidsLoss() && !l.traits.CanDrain() {
		return "not observable: nothing proves that this mode's queue has nothing left to deliver"
	}
	if p.Stage == semantics.Stored {
		switch {
		case !l.traits.Scannable:
			return "not observable: the store of this mode cannot be read without consuming"
		case len(cp.scans) == 0:
			return "no scan of the store was complete"
		case !cp.agree:
			return "there were no two equal scans of the store"
		}
	}
	switch {
	case len(j.cut) > 0:
		return "rests on what is missing: " + strings.Join(j.cut, "; ")
	case j.global != "":
		return "an assumption failed: " + j.global
	}
	return ""
}

// taints says whether an episode spoils the ones after it on this lane.
func (j *judgement) taints(ep *episode) *taint {
	if ep.final || calm(ep.Fault) || !ep.struck() {
		return nil
	}
	for _, p := range j.lane.promised() {
		if !p.Covers(base(ep.Fault)) && !p.Covers(ep.Fault) && j.spared(ep, p.Stage) == "" {
			return &taint{by: ep.number, outside: true}
		}
	}
	healed := ep.healed[j.lane.index]
	if ep.unhealed() != "" || healed != nil && healed.Status != history.OK {
		return &taint{by: ep.number}
	}
	return nil
}

func (ep *episode) began() bool { return ep.lanes != nil }

// shown is what was counted at a stage in an episode.
func (l *lane) shown(ep *episode, s semantics.Stage) map[string]int64 {
	cp := ep.ends[l.index]
	if cp == nil {
		return nil
	}
	out := map[string]int64{}
	for _, name := range shown[s] {
		if n := cp.counts[name]; n > 0 {
			out[name] = n
		}
	}
	return out
}

// number fills in how many independent, fully exposed injections of a fault stand behind each cell, and the bound that follows
// when none of them broke the promise: with n and no violation, the chance per fault is at most 1 - 0.05^(1/n) at 95 %.
func number(cells []semantics.Cell) {
	type key struct {
		fault string
		stage semantics.Stage
	}
	n, broken := map[key]int{}, map[key]bool{}
	for _, c := range cells {
		k := key{c.Fault, c.Stage}
		if len(c.Exposure) > 0 && !calm(c.Fault) && (c.Result == semantics.Kept || c.Result == semantics.Broken) && unmet(c.Exposure) == "" {
			n[k]++
		}
		broken[k] = broken[k] || c.Result == semantics.Broken
	}
	for i := range cells {
		c := &cells[i]
		if c.Result != semantics.Kept && c.Result != semantics.Broken {
			continue
		}
		k := key{c.Fault, c.Stage}
		if c.N = n[k]; c.N > 0 && !broken[k] {
			c.Bound = semantics.Bound(c.N)
		}
	}
}

// list names findings in a few words.
func list(found []*candidate) string {
	var out []string
	for _, f := range found {
		out = append(out, fmt.Sprintf("%s (%d)", f.anomaly, f.number()))
	}
	return strings.Join(out, ", ")
}

// sparing looks up what the schedule says a fault cannot touch.
func sparing(s experiment.Schedule, lane string) func(*episode, semantics.Stage) string {
	return func(ep *episode, stage semantics.Stage) string {
		for _, e := range s.Episodes {
			if e.Number == ep.number {
				return e.Spared[experiment.SparedKey(lane, stage)]
			}
		}
		return ""
	}
}
