package page

import (
	"math"
	"slices"
	"strings"

	"waybill/harness/semantics"
	"waybill/results/bench"
	"waybill/results/look"
)

// levelTable is the table of modes.
type levelTable struct {
	Crashes []string // kinds of crash that a mode survives or does not
	Several bool     // targets
	At      string   // the offered load of the latencies: "50%"; "": none
	Rows    []levelRow
}

type levelRow struct {
	Target, Mode, Summary string
	Guarantee, Sync       string
	Survives              []survive
	Goodput               value
	Against               string // the mode that the ratio is to
	Ratio                 value
	Claims                bool
	Weakest               bool
	To                    string // the stage of the latencies
	P50, P99              value
	Mark                  mark
	Hatched               bool
}

// survive is a cell of a mode and a kind of crash.
type survive struct{ Known, Does bool }

// mark is what is known of a mode's promises, with the anchor of the evidence.
type mark struct {
	Class, Glyph, Word, Anchor string
}

func newMark(m bench.Mark, anchor string) mark {
	switch {
	case m.Broken:
		return mark{"broken", "✗", "BROKEN", anchor}
	case m.Held:
		return mark{"kept", "✓", "held", anchor}
	case m.Runs == semantics.Kept:
		return mark{"na", "○", "no fault tested", anchor}
	case m.Runs == semantics.Inconclusive:
		return mark{"inconclusive", "?", "inconclusive", anchor}
	default:
		return mark{"na", "–", "not audited", anchor}
	}
}

func newLevelTable(b Bench) levelTable {
	s := b.Summary
	t := levelTable{Several: len(s.Plan.Targets) > 1}
	share := nearestShare(s.Loads, 0.5)
	if share > 0 {
		t.At = look.Percent(share)
	}
	for _, l := range s.Levels {
		for _, x := range l.Place.Survives {
			if !slices.Contains(t.Crashes, x.What) {
				t.Crashes = append(t.Crashes, x.What)
			}
		}
	}
	for i, l := range s.Levels {
		why := ""
		if l.Struck {
			why = broken(b.Replicates, l.Arm.Name)
		}
		row := levelRow{
			Target: l.Arm.Target, Mode: l.Arm.Mode, Summary: summaryOf(s.Plan, l.Arm), Guarantee: l.Place.Guarantee, Sync: l.Place.Sync,
			Goodput: newValue(l.Goodput, look.Rate).struck(why), Mark: newMark(l.Mark, anchor("evidence", i)), Hatched: l.Hatched,
		}
		for _, c := range t.Crashes {
			at := slices.IndexFunc(l.Place.Survives, func(x bench.Survive) bool { return x.What == c })
			row.Survives = append(row.Survives, survive{Known: at >= 0, Does: at >= 0 && l.Place.Survives[at].Does})
		}
		for _, r := range s.Ratios {
			if r.About != bench.OfModes {
				continue
			}
			if r.Over == l.Arm.Name {
				row.Ratio, row.Claims = newValue(r.Ratio, ratio), r.Claims
				if row.Against = modeOf(s.Plan, r.Under); r.Struck {
					row.Ratio = row.Ratio.struck("one of the two broke a promise")
				}
			}
			row.Weakest = row.Weakest || r.Under == l.Arm.Name
		}
		for _, load := range s.Loads {
			if load.Arm.Target != l.Arm.Target || load.Arm.Mode != l.Arm.Mode || load.Arm.Profile != l.Arm.Profile || load.Arm.Share != share {
				continue
			}
			if st, ok := lastStage(load.Stages, true); ok {
				why := ""
				if load.Struck {
					why = broken(b.Replicates, load.Arm.Name)
				}
				row.To = st.To
				row.P50, row.P99 = newValue(st.PerRun["p50"], micros).struck(why), newValue(st.PerRun["p99"], micros).struck(why)
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// nearestShare is the offered share that is nearest to what is wanted; 0: there is none.
func nearestShare(ls []bench.Load, want float64) float64 {
	best := 0.0
	for _, l := range ls {
		if x := l.Arm.Share; x > 0 && (best == 0 || math.Abs(x-want) < math.Abs(best-want)) {
			best = x
		}
	}
	return best
}

// lastStage is the latency to the last thing that was observed of a message: its application, or what stands for it.
func lastStage(ss []bench.StageLatency, corrected bool) (bench.StageLatency, bool) {
	for _, to := range []string{"applied", "visible", "delivered", "confirmed"} {
		for _, s := range ss {
			if s.To == to && s.Corrected == corrected && s.N > 0 {
				return s, true
			}
		}
	}
	return bench.StageLatency{}, false
}

// broken says why figures of an arm are struck out.
func broken(rs []bench.Replicate, arm string) string {
	var why []string
	for _, r := range rs {
		if r.Arm != arm || r.Verdict.Result != semantics.Broken {
			continue
		}
		said := r.Verdict.Why
		if said == "" {
			said = strings.Join(r.Verdict.Findings, "; ")
		}
		why = append(why, "block "+look.Count(int64(r.Block))+": "+said)
	}
	if len(why) == 0 {
		return "a run of it broke a promise"
	}
	return strings.Join(why, "; ")
}

func summaryOf(p bench.Plan, a bench.Arm) string {
	for _, t := range p.Targets {
		for _, m := range t.Modes {
			if t.Name == a.Target && m.Name == a.Mode && m.Profile == a.Profile {
				return m.Summary
			}
		}
	}
	return ""
}

// modeOf is the mode of an arm; its name where the plan does not have it.
func modeOf(p bench.Plan, arm string) string {
	for _, a := range p.Arms {
		if a.Name == arm {
			return a.Mode
		}
	}
	return arm
}

func anchor(what string, i int) string { return what + "-" + look.Count(int64(i+1)) }
