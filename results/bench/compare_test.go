package bench_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"waybill/results/bench"
	"waybill/results/bench/benchtest"
	"waybill/results/latency"
)

// edition is a sample made another time, without the times that messages took; timed is one with them.
func edition(opts ...benchtest.Option) bench.Edition {
	p, rs, _ := untimed(opts...)
	return bench.Edition{Plan: p, Replicates: rs}
}

func timed(opts ...benchtest.Option) bench.Edition {
	p, rs, _ := benchtest.Sample(opts...)
	return bench.Edition{Plan: p, Replicates: rs}
}

func against(t *testing.T, c bench.Comparison, arm, figure string) bench.Against {
	t.Helper()
	i := slices.IndexFunc(c.Against, func(x bench.Against) bool { return x.Over == arm && x.Figure == figure })
	if i < 0 {
		t.Fatalf("no %s of %s", figure, arm)
	}
	return c.Against[i]
}

func TestTwoBenchmarksOfTheSameAreNoRegression(t *testing.T) {
	c := bench.Compare(timed(benchtest.Seed(8)), timed())
	if c.Regression(0.10) {
		t.Errorf("regressions: %+v", c.Regressions(0.10))
	}
	for _, x := range c.Against {
		if x.Claims {
			t.Errorf("claimed: %s, %s: %+v, P %v", x.Over, x.Figure, x.Ratio.Ratio, x.P)
		}
		if len(x.Pairs) != 0 || x.Ratio.Ratio.N != 20 {
			t.Errorf("%s: runs of two benchmarks are not paired: %+v", x.Over, x.Ratio)
		}
	}
	if len(c.Changes) != 1 || c.Changes[0].What != "seed" || c.Changes[0].Matters {
		t.Errorf("changes: %+v", c.Changes)
	}
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0].Text, "not paired") {
		t.Errorf("warnings: %+v", c.Warnings)
	}
	if _, err := json.Marshal(c); err != nil {
		t.Error(err)
	}
}

func TestARegressionIsCalledOnlyWhereTheIntervalExcludesLess(t *testing.T) {
	before := edition()
	now := edition(benchtest.Seed(8), benchtest.Slower("nats/jetstream", 1.25), benchtest.Slower("nats/jetstream again", 1.25))
	c := bench.Compare(now, before)
	x := against(t, c, "nats/jetstream", "goodput")
	if math.Abs(x.Ratio.Ratio.Estimate-0.8) > 0.03 || !x.Claims || x.New.Estimate >= x.Baseline.Estimate {
		t.Errorf("a fifth slower: %+v", x)
	}
	if rs := c.Regressions(0.10); len(rs) != 1 || rs[0].Over != "nats/jetstream" {
		t.Errorf("regressions of more than 10 %%: %+v", rs)
	}
	if limit := 1 - x.Ratio.Ratio.High; c.Regression(limit+1e-9) || !c.Regression(limit-1e-9) {
		t.Errorf("the limit is the upper end of the interval: %+v", x.Ratio.Ratio)
	}
	if bench.Compare(before, now).Regression(0.01) {
		t.Error("a fifth faster is called a regression")
	}
}

func TestTooFewRunsAreNoRegression(t *testing.T) {
	c := bench.Compare(edition(benchtest.Blocks(3), benchtest.Slower("nats/jetstream", 10)), edition(benchtest.Blocks(3)))
	if c.Regression(0.10) {
		t.Error("called of three runs each")
	}
	if w := c.Warnings[0]; !w.Grave || !strings.Contains(w.Text, "too few runs") {
		t.Errorf("warnings: %+v", c.Warnings)
	}
}

func TestLongerTimesAreARegressionAtTheSameLoadOnly(t *testing.T) {
	const arm = "kafka/acks-all at 60%"
	longer := func(e bench.Edition) {
		for i, r := range e.Replicates {
			for j, l := range r.Latency {
				if r.Arm != arm || l.To != "applied" || !l.Corrected {
					continue
				}
				h, err := latency.Parse(l.Histogram)
				if err != nil {
					t.Fatal(err)
				}
				slow := latency.New()
				for q := 0.0005; q < 1; q += 0.001 {
					slow.RecordMany(h.Quantile(q)*3/2+int64(i), h.N()/1000)
				}
				e.Replicates[i].Latency[j].Histogram = slow.String()
			}
		}
	}
	before, now := timed(), timed(benchtest.Seed(8))
	longer(now)
	c := bench.Compare(now, before)
	if rs := c.Regressions(0.10); len(rs) != 1 || rs[0].Over != arm || rs[0].Figure != "p99 to applied" {
		t.Errorf("regressions: %+v", rs)
	}
	for i := range now.Replicates {
		now.Replicates[i].Offered *= 1.1
	}
	c = bench.Compare(now, before)
	if x := against(t, c, arm, "p99 to applied"); c.Regression(0.10) || x.Unlike == "" || x.Claims {
		t.Errorf("at another load: %+v", x)
	}
}

func TestChangesAreNamedAndWeighed(t *testing.T) {
	before, now := edition(benchtest.Blocks(6)), edition(benchtest.Blocks(7))
	before.Facts, now.Facts = map[string]string{"kernel": "6.18", "processor": "x"}, map[string]string{"kernel": "6.19", "processor": "x"}
	now.Plan.Targets[1].Version = "4.2.0"
	i := slices.IndexFunc(now.Plan.Arms, func(a bench.Arm) bool { return a.Name == "nats/jetstream" })
	now.Plan.Arms[i].Window = 2000
	now.Plan.Arms = slices.DeleteFunc(now.Plan.Arms, func(a bench.Arm) bool { return a.Name == "nats/core at 30%" })
	c := bench.Compare(now, before)
	want := map[bench.Change]bool{
		{What: "kafka: version", Was: "4.1.2", Is: "4.2.0", Matters: true}:       true,
		{What: "nats/jetstream: window", Was: "1000", Is: "2000", Matters: true}: true,
		{What: "nats/core at 30%", Was: "only in the baseline", Is: ""}:          true,
		{What: "blocks", Was: "6", Is: "7"}:                                      true,
		{What: "kernel", Was: "6.18", Is: "6.19", Matters: true}:                 true,
	}
	for _, x := range c.Changes {
		if !want[x] {
			t.Errorf("unexpected: %+v", x)
		}
		delete(want, x)
	}
	for x := range want {
		t.Errorf("missing: %+v", x)
	}
	if !slices.ContainsFunc(c.Warnings, func(w bench.Warning) bool {
		return strings.Contains(w.Text, "kafka: version changed from 4.1.2 to 4.2.0")
	}) {
		t.Errorf("warnings: %+v", c.Warnings)
	}
}

func TestStruckFiguresAreNotComparedWithLimits(t *testing.T) {
	c := bench.Compare(edition(benchtest.Seed(8), benchtest.Struck(), benchtest.Slower("kafka/idempotent", 2)), edition())
	if x := against(t, c, "kafka/idempotent", "goodput"); !x.Struck || x.Claims || c.Regression(0.10) {
		t.Errorf("of a run whose promise broke: %+v", x)
	}
}
