package page

import (
	"fmt"
	"strings"

	"waybill/results/bench"
	"waybill/results/look"
)

// loadRow is one stage of a mode at one offered load.
type loadRow struct {
	Mode, To        string
	Share           float64
	Offered         float64
	P50, P99, P999  value // corrected, medians of the runs' own
	Uncorrected     value // p99 from the actual send
	N, Failed       int64
	Struck, Hatched bool
}

func newLoadRows(s bench.Summary) (rows []loadRow) {
	for _, l := range s.Loads {
		for _, st := range l.Stages {
			if !st.Corrected || st.N == 0 {
				continue
			}
			why := ""
			if l.Struck {
				why = "a run of it broke a promise"
			}
			row := loadRow{
				Mode: qualified(s.Plan, l.Arm), To: st.To, Share: l.Arm.Share, Offered: l.Offered, N: st.N, Failed: st.Failed, Struck: l.Struck, Hatched: l.Hatched,
				P50: newValue(st.PerRun["p50"], micros).struck(why), P99: newValue(st.PerRun["p99"], micros).struck(why), P999: newValue(st.PerRun["p999"], micros).struck(why),
			}
			for _, other := range l.Stages {
				if other.To == st.To && !other.Corrected {
					row.Uncorrected = newValue(other.PerRun["p99"], micros).struck(why)
				}
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// qualified is a mode with its target, where there are several.
func qualified(p bench.Plan, a bench.Arm) string {
	if len(p.Targets) > 1 {
		return a.Target + "/" + a.Mode
	}
	return a.Mode
}

// pointRow is one setting of a curve.
type pointRow struct {
	Mode, Over        string
	Value             int
	Goodput, P50, P99 value
	Front, Hatched    bool
}

func newPointRows(s bench.Summary) (rows []pointRow) {
	for _, c := range s.Curves {
		for _, p := range c.Points {
			why := ""
			if p.Struck {
				why = "a run of it broke a promise"
			}
			rows = append(rows, pointRow{
				Mode: qualified(s.Plan, p.Arm), Over: c.Over, Value: p.Value, Front: p.Front, Hatched: p.Hatched,
				Goodput: newValue(p.Goodput, look.Rate).struck(why), P50: newValue(p.P50, micros).struck(why), P99: newValue(p.P99, micros).struck(why),
			})
		}
	}
	return rows
}

// ratioRow is one comparison.
type ratioRow struct {
	Name   string
	Ratio  value
	Holm   string // p, corrected
	Claims bool
	Has1   bool // the interval contains 1
	Known  bool // there is an interval
	Goal   string
	Met    bool
}

func newRatioRow(r bench.Ratio) ratioRow {
	row := ratioRow{Name: r.Name, Ratio: newValue(r.Ratio, ratio), Claims: r.Claims, Has1: r.Ratio.Low <= 1 && r.Ratio.High >= 1, Known: r.Ratio.Enough, Holm: "–"}
	if r.Ratio.Enough {
		row.Holm = fmt.Sprintf("%.2g", r.P)
	}
	if r.Struck {
		row.Ratio = row.Ratio.struck("one of the two broke a promise")
	}
	if g := r.Goal; g != nil {
		goals := []string{}
		if g.Median > 0 {
			goals = append(goals, "median ≥ "+ratio(g.Median))
		}
		if g.Low > 0 {
			goals = append(goals, "lower end ≥ "+ratio(g.Low))
		}
		row.Goal, row.Met = strings.Join(goals, ", "), g.Met
	}
	return row
}

// ceilingRow is what the harness itself reaches without a broker.
type ceilingRow struct {
	Name string
	Rate value
}

func newCeilingRows(c *bench.Ceiling) (rows []ceilingRow) {
	if c == nil {
		return nil
	}
	for _, r := range []struct {
		name string
		i    bench.Interval
	}{{"a message at a time", c.Plain}, {"in batches", c.Batched}} {
		if r.i.N > 0 {
			rows = append(rows, ceilingRow{r.name, newValue(r.i, look.Rate)})
		}
	}
	return rows
}
