package results

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"waybill/harness/semantics"
	"waybill/results/look"
	"waybill/results/plot"
)

// figures are those of a run: throughput and latency over time, promises against faults, and how long each fault silenced each mode.
func figures(v semantics.Verdict, t Timeline) []plot.Figure {
	fs := plot.OfRun(runOf(v, t))
	if f, ok := plot.Faults([]semantics.Verdict{v}); ok {
		fs = append(fs, f)
	}
	return append(fs, plot.Silences(Silences(v, t))...)
}

// runOf is a timeline as it is drawn. Losses are marked where the audit found some, and no more than it found: a timeline does not know
// whether a drain was proven.
func runOf(v semantics.Verdict, t Timeline) plot.Run {
	r := plot.Run{Seconds: t.seconds()}
	if t.End <= t.Origin {
		return plot.Run{}
	}
	for _, l := range t.Lanes {
		out := plot.Lane{Name: look.Visible(l.Name), Bin: Bin.Seconds(), Sent: l.Sent, Acked: l.Acked, Applied: l.Applied, Wide: latencyFactor * Bin.Seconds(),
			All: "nothing applied"}
		if q := l.TotalToApply; q.N > 0 {
			out.All = fmt.Sprintf("all: p50 %s, p99 %s, max %s", look.Ticks(q.P50), look.Ticks(q.P99), look.Ticks(q.Max))
		}
		for _, q := range l.ToApply {
			out.P50, out.P99 = append(out.P50, known(q.N, q.P50)), append(out.P99, known(q.N, q.P99))
		}
		for _, audited := range v.Lanes {
			if audited.Name != l.Name {
				continue
			}
			if sum(l.Lost) <= audited.Ledger.Lost.Sum() {
				out.Lost = l.Lost
			}
			if audited.Ledger.AppliedTwice > 0 {
				out.Twice = l.Twice
			}
			out.Audited = audit(audited.Ledger)
		}
		r.Lanes = append(r.Lanes, out)
	}
	for _, e := range t.Episodes {
		m := plot.Episode{Number: e.Number, Fault: look.Visible(e.Fault), Struck: math.NaN()}
		if len(e.Strikes) > 0 {
			m.Struck = t.since(e.Strikes[0].Begin)
		}
		for _, p := range e.phases(t.End) {
			m.Phases = append(m.Phases, plot.Phase{Kind: p.kind, From: t.since(p.from), To: t.since(p.to)})
		}
		r.Episodes = append(r.Episodes, m)
	}
	return r
}

// audit is what a ledger holds that a reader of a figure should know.
func audit(g semantics.Ledger) string {
	var parts []string
	for _, c := range []countOf{{"lost", g.Lost.Sum()}, {"applied twice", g.AppliedTwice}} {
		if c.n > 0 {
			parts = append(parts, look.Count(c.n)+" "+c.what)
		}
	}
	if g.Acked == 0 {
		parts = append(parts, "no confirmations seen")
	}
	return strings.Join(parts, ", ")
}

// known is a quantile, or NaN where it is one of nothing.
func known(n, us int64) float64 {
	if n == 0 {
		return math.NaN()
	}
	return float64(us)
}

// since is an instant in seconds from the left edge, within the timeline.
func (t Timeline) since(ticks int64) float64 {
	return min(t.seconds(), max(0, float64(ticks-t.Origin)/1e6))
}

// seconds is the length of the timeline, never zero.
func (t Timeline) seconds() float64 { return max(Bin.Seconds(), float64(t.End-t.Origin)/1e6) }

type phase struct {
	kind     plot.PhaseKind
	from, to int64
}

// phases are the shaded parts of an episode. A strike that was not recovered lasts until the next one, or the end.
func (m EpisodeMarks) phases(end int64) []phase {
	if m.End != 0 {
		end = m.End
	}
	var ps []phase
	for i, s := range m.Strikes {
		until := end
		if i+1 < len(m.Strikes) {
			until = m.Strikes[i+1].Begin
		}
		if s.Recover != 0 {
			ps = append(ps, phase{plot.Striking, s.Begin, s.Recover})
			if s.Verified != 0 {
				until = s.Verified
			}
			ps = append(ps, phase{plot.Healing, s.Recover, until})
		} else {
			ps = append(ps, phase{plot.Striking, s.Begin, until})
		}
	}
	if m.Checkpoint != 0 {
		until := end
		if m.CheckpointEnded != 0 {
			until = m.CheckpointEnded
		}
		ps = append(ps, phase{plot.Checkpoint, m.Checkpoint, until})
	}
	return ps
}

// WritePlots writes each figure as files, light and dark, and returns the paths, relative to d, of those that could be written.
func WritePlots(d Dir, fs []plot.Figure) ([]string, error) {
	if len(fs) == 0 {
		return nil, nil
	}
	if err := os.MkdirAll(d.Plots(), 0o755); err != nil {
		return nil, fmt.Errorf("results: make the plots folder: %w", err)
	}
	var written []string
	var errs []error
	for _, f := range fs {
		for _, file := range f.Files(plot.Wide) {
			b, err := file.Draw()
			if err == nil {
				err = writeFile(d.Path(plotsDir, file.Name), b)
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("results: plot %s: %w", file.Name, err))
				continue
			}
			written = append(written, filepath.ToSlash(filepath.Join(plotsDir, file.Name)))
		}
	}
	return written, errors.Join(errs...)
}

// sum adds up.
func sum(xs []int64) int64 {
	var n int64
	for _, x := range xs {
		n += x
	}
	return n
}
