package publish

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"waybill/harness/semantics"
	"waybill/results/bench"
	"waybill/results/latency"
)

// Go writes the replicates of a plan in the Go benchmark format (golang.org/design/14313-benchmark-format), a line each, so that benchstat says
// of two such files what differs. facts are configuration lines, "goos" or "cpu": tools make a table of each configuration, so only what must be
// equal for figures to be comparable belongs there. Seed and versions are comments for that reason: to compare those is the point.
//
// What broke a promise has no figures: all replicates of an arm with one that did are left out, and a comment says so.
func Go(w io.Writer, p bench.Plan, rs []bench.Replicate, facts map[string]string) error {
	b := bufio.NewWriter(w)
	comment(b, fmt.Sprintf("a benchmark of waybill: seed %d, %d blocks, %s measured in each replicate", p.Seed, p.Blocks, p.Measure))
	for _, t := range p.Targets {
		comment(b, fmt.Sprintf("target %s is %s %s, %d nodes", t.Name, t.Title, t.Version, t.Nodes))
	}
	for _, k := range slices.Sorted(maps.Keys(facts)) {
		if v := line(facts[k]); v != "" {
			fmt.Fprintf(b, "%s: %s\n", key(k), v)
		}
	}
	b.WriteString("\nUnit msg/s better=higher\nUnit ns/msg better=lower\nUnit p50-µs better=lower\nUnit p99-µs better=lower\n")
	of := map[string][]bench.Replicate{}
	for _, r := range rs {
		if r.Block > 0 { // else it is of the search
			of[r.Arm] = append(of[r.Arm], r)
		}
	}
	for _, a := range p.Arms {
		runs := of[a.Name]
		slices.SortStableFunc(runs, func(x, y bench.Replicate) int { return x.Block - y.Block })
		b.WriteString("\n")
		writeArm(b, p, a, runs)
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("publish: write the Go benchmark format: %w", err)
	}
	return nil
}

func writeArm(b *bufio.Writer, p bench.Plan, a bench.Arm, runs []bench.Replicate) {
	broken := false
	for _, r := range runs {
		if r.Verdict.Result == semantics.Broken {
			broken = true
			comment(b, fmt.Sprintf("struck out: %s broke a promise in block %d, run %s: %s", a.Name, r.Block, r.Run, why(r.Verdict)))
		}
	}
	if broken {
		comment(b, fmt.Sprintf("left out: %d replicates of %s", len(runs), a.Name))
		return
	}
	for _, r := range runs {
		rate := figure(r)
		switch {
		case r.Failed != "":
			comment(b, fmt.Sprintf("failed: %s in block %d: %s", a.Name, r.Block, r.Failed))
		case rate <= 0 || math.IsInf(rate, 0) || math.IsNaN(rate):
			comment(b, fmt.Sprintf("nothing went through: %s in block %d", a.Name, r.Block))
		default:
			messages := max(1, int64(math.Round(rate*length(p, r))))
			fmt.Fprintf(b, "%s %d %s msg/s %s ns/msg", name(a), messages, number(rate), number(1e9/rate))
			if h := arrival(r.Latency); h != nil && (a.Phase == bench.PhaseLatency || a.Phase == bench.PhaseWindow) {
				fmt.Fprintf(b, " %d p50-µs %d p99-µs", h.Quantile(0.5), h.Quantile(0.99))
			}
			b.WriteString("\n")
		}
	}
}

// figure is the rate that a replicate counts by: unique messages applied; where nothing is applied, acknowledged; where nothing is, sent.
func figure(r bench.Replicate) float64 {
	for _, rate := range []float64{r.Goodput, r.Acked} {
		if rate > 0 {
			return rate
		}
	}
	return r.Sent
}

// length is for how many seconds a replicate was measured.
func length(p bench.Plan, r bench.Replicate) float64 {
	if s := r.Series; s.To > s.From && s.Bin > 0 {
		return float64(s.To-s.From) * float64(s.Bin) / 1e6
	}
	return p.Measure.Seconds()
}

// arrival is the corrected times to the last stage that there are any of; nil of none.
func arrival(ls []bench.Latencies) *latency.Histogram {
	for _, to := range []string{"visible", "applied", "delivered", "confirmed"} {
		for _, l := range ls {
			if l.To != to || !l.Corrected {
				continue
			}
			if h, err := latency.Parse(l.Histogram); err == nil && h.N() > 0 {
				return h
			}
		}
	}
	return nil
}

// name is a benchmark's name: what tells an arm from others, in parts by which tools can filter. Its last part has no hyphen: a number behind
// one is taken for that of processors.
func name(a bench.Arm) string {
	var b strings.Builder
	b.WriteString("BenchmarkWaybill")
	add := func(k, v string) {
		if v != "" {
			b.WriteString("/" + k + "=" + part(v))
		}
	}
	positive := func(n int) string {
		if n <= 0 {
			return ""
		}
		return strconv.Itoa(n)
	}
	add("target", a.Target)
	add("profile", a.Profile)
	add("mode", a.Mode)
	add("phase", string(a.Phase))
	add("kind", string(a.Kind))
	if a.Share > 0 {
		add("share", number(a.Share))
	}
	if a.PublishOnly {
		add("publishing", "only")
	}
	add("producers", positive(a.Producers))
	add("consumers", positive(a.Consumers))
	add("batch", positive(a.Batch))
	add("commit", positive(a.Commit))
	add("window", positive(a.Window))
	add("size", strconv.Itoa(max(0, a.Size)))
	return b.String()
}

// part is a value in a benchmark's name, which no blank may end and no slash or equals sign divide.
func part(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) || strings.ContainsRune("/=:,\"'`", r) {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(s, "_"))
}

// key is the name of a configuration line: it begins with a lower-case letter and has neither blanks nor capitals.
func key(s string) string {
	s = strings.ToLower(part(s))
	if s == "" || !unicode.IsLower([]rune(s)[0]) {
		s = "x" + s
	}
	return s
}

// line keeps text in one line, and what could steer a terminal out of it.
func line(s string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))), " ")
}

// comment writes a line that readers of the format pass over.
func comment(b *bufio.Writer, text string) { fmt.Fprintf(b, "# %s\n", line(text)) }

func why(v bench.Verdict) string {
	if v.Why == "" && len(v.Findings) > 0 {
		return v.Findings[0]
	}
	return v.Why
}

// number writes a figure in six digits: more would be noise.
func number(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }
