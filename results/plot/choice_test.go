package plot

import (
	"slices"
	"testing"

	"waybill/harness/semantics"
	"waybill/results/bench"
)

func TestLatencyIsThatOfTheStageNearestToTheUser(t *testing.T) {
	stage := func(to string, corrected bool) bench.StageLatency {
		return bench.StageLatency{To: to, Corrected: corrected}
	}
	for _, c := range []struct {
		have []bench.StageLatency
		want string
	}{
		{[]bench.StageLatency{stage("confirmed", true), stage("applied", true), stage("delivered", true)}, "applied"},
		{[]bench.StageLatency{stage("applied", true), stage("visible", true)}, "visible"},
		{[]bench.StageLatency{stage("confirmed", true), stage("applied", false)}, "confirmed"},
		{[]bench.StageLatency{stage("applied", false)}, ""},
	} {
		got, ok := stageOf(bench.Load{Stages: c.have}, true)
		if got.To != c.want || ok != (c.want != "") || ok && !got.Corrected {
			t.Errorf("of %v: %q corrected %v, want %q", c.have, got.To, got.Corrected, c.want)
		}
	}
}

func TestQuantilesAreComparedAtSharesThatMostModesHave(t *testing.T) {
	load := func(shares ...float64) (m modeLoads) {
		for _, s := range shares {
			m.loads = append(m.loads, bench.Load{Arm: bench.Arm{Share: s}})
		}
		return m
	}
	for _, c := range []struct {
		modes []modeLoads
		want  []float64
	}{
		{[]modeLoads{load(0.1, 0.25, 0.5, 0.75, 0.9), load(0.1, 0.25, 0.5, 0.75, 0.9)}, []float64{0.5, 0.75}},
		{[]modeLoads{load(0.5, 0.9), load(0.9)}, []float64{0.9}},
		{[]modeLoads{load(0.4, 0.6)}, []float64{0.4, 0.6}}, // of two as near, the smaller
		{[]modeLoads{load(0)}, nil},
	} {
		if got := sharesOf(c.modes); !slices.Equal(got, c.want) {
			t.Errorf("shares %v, want %v", got, c.want)
		}
	}
}

func TestTheRunThatIsDrawnIsTheMedianOne(t *testing.T) {
	run := func(block int, goodput float64, bins ...int64) bench.Replicate {
		return bench.Replicate{Arm: "a", Block: block, Goodput: goodput, Series: bench.Series{Bin: 1000, Acked: bins}}
	}
	rs := []bench.Replicate{run(1, 30, 1), run(2, 10, 1), run(3, 20, 1), run(4, 40, 1), run(0, 25, 1), run(5, 26)}
	if r, ok := medianOf(rs, "a"); !ok || r.Goodput != 20 {
		t.Errorf("drawn %v, want 20: neither the search nor a run without a series counts", r.Goodput)
	}
	if _, ok := medianOf(rs, "b"); ok {
		t.Error("an arm without runs has a median")
	}
}

func TestAMatrixHoldsTheWorstAndAddsUpSeeds(t *testing.T) {
	verdict := func(seed uint64, r semantics.Result, n int, counts map[string]int64, found ...int64) semantics.Verdict {
		c := semantics.Cell{Fault: "kill-all", Stage: semantics.Applied, Guarantee: semantics.ExactlyOnce, Result: r, N: n, Counts: counts}
		v := semantics.Verdict{Target: "nats", Seed: seed}
		for i, k := range found {
			v.Findings = append(v.Findings, semantics.Finding{ID: i + 1, Anomaly: []string{"lost: vanished", "duplicate effect", "torn"}[i], Count: k})
			c.Findings = append(c.Findings, i+1)
		}
		delivered := semantics.Cell{Fault: "kill-all", Stage: semantics.Delivered, Result: semantics.Broken}
		calm := semantics.Cell{Fault: "final", Stage: semantics.Applied, Result: semantics.Broken}
		v.Lanes = []semantics.Lane{{Name: "a", Mode: "jetstream", Cells: []semantics.Cell{delivered, c, calm}}}
		return v
	}
	for _, c := range []struct {
		name        string
		vs          []semantics.Verdict
		result      semantics.Result
		n           int
		lost, twice int64
	}{
		{"seeds add up, a repeated one does not", []semantics.Verdict{verdict(1, semantics.Kept, 2, nil), verdict(2, semantics.Kept, 3, nil), verdict(2, semantics.Kept, 1, nil)}, semantics.Kept, 5, 0, 0},
		{"what was not concluded is not masked", []semantics.Verdict{verdict(1, semantics.Inconclusive, 0, nil), verdict(2, semantics.Kept, 3, nil)}, semantics.Inconclusive, 3, 0, 0},
		{"nor is what was broken", []semantics.Verdict{verdict(1, semantics.Broken, 1, map[string]int64{"acknowledged and lost": 3}), verdict(2, semantics.Inconclusive, 0, nil)}, semantics.Broken, 1, 3, 0},
		{"findings count where counts do not", []semantics.Verdict{verdict(1, semantics.Broken, 1, map[string]int64{"duplicate effects": 7, "redeliveries": 99}, 4, 5, 6)}, semantics.Broken, 1, 4, 7},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := matrixOf(c.vs)
			if len(m.rows) != 1 || !slices.Equal(m.faults, []string{"kill-all"}) {
				t.Fatalf("%d rows under %v: what is delivered is judged by what is applied, and a calm ending is no fault", len(m.rows), m.faults)
			}
			got := m.rows[0].cells["kill-all"]
			if got.result != c.result || got.injections() != c.n || got.lost != c.lost || got.twice != c.twice {
				t.Errorf("%s with n=%d, %d lost and %d twice; want %s, %d, %d, %d", got.result, got.injections(), got.lost, got.twice, c.result, c.n, c.lost, c.twice)
			}
		})
	}
}

func TestAMarkIsFilledOnlyWhereEveryTestHeld(t *testing.T) {
	for _, c := range []struct {
		m    bench.Mark
		want standing
	}{{bench.Mark{}, untested}, {bench.Mark{Tested: 3}, untested}, {bench.Mark{Held: true}, held}, {bench.Mark{Held: true, Broken: true}, broke}} {
		if got := standingOf(c.m); got != c.want {
			t.Errorf("%+v is drawn as %v, want %v", c.m, got, c.want)
		}
	}
}

func TestARatioFarFromOneDoesNotPressTheOthersTogether(t *testing.T) {
	var d strip
	for _, q := range []float64{0.97, 1.01, 9} {
		d.groups = append(d.groups, stripGroup{rows: []bench.Ratio{{Ratio: around(q, 0.01, 10), Noise: 0.02}}})
	}
	if a := d.axis(0, 100); a.high > 1.2 || !a.inside(0.96) || !a.inside(1.02) {
		t.Errorf("the axis goes from %v to %v", a.low, a.high)
	}
}

func TestAModeWithoutTheLastQuantileIsNamedAllTheSame(t *testing.T) {
	s, _ := sampleSummary(oneTarget, 10)
	few := oneTarget[0].modes[1].name
	for i, l := range s.Loads {
		if l.Arm.Mode != few {
			continue
		}
		for j := range l.Stages {
			delete(s.Loads[i].Stages[j].PerRun, "p999")
		}
	}
	f, ok := Saturation(s, s.Plan.Targets[0])
	svg, err := f.SVG(Light, Wide)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	_, _, words, _ := read(t, svg)
	for _, m := range oneTarget[0].modes {
		n := 0
		for _, w := range words {
			if w.text == m.name {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s is named %d times, want once beside the last panel", m.name, n)
		}
	}
}

func TestAGoalIsMissedOnlyWhereEnoughRunsSayIt(t *testing.T) {
	goal := &bench.Goal{Median: 0.97}
	for _, c := range []struct {
		r    bench.Ratio
		want bool
	}{
		{bench.Ratio{Goal: goal, Ratio: bench.Interval{Estimate: 0.8, N: 1}}, false},
		{bench.Ratio{Goal: goal, Ratio: bench.Interval{Estimate: 0.8, N: 10, Enough: true}}, true},
		{bench.Ratio{Goal: &bench.Goal{Median: 0.97, Met: true}, Ratio: bench.Interval{Estimate: 1, N: 10, Enough: true}}, false},
		{bench.Ratio{Ratio: bench.Interval{Estimate: 0.8, N: 10, Enough: true}}, false},
	} {
		if got := missed(c.r); got != c.want {
			t.Errorf("%+v is missed: %v, want %v", c.r, got, c.want)
		}
	}
}

func TestASettingIsWrittenOnceWherePathsMeet(t *testing.T) {
	var bs boxes
	bs.add(box{x: 100, y: 100, w: 20, h: 10, text: "256"})
	for _, c := range []struct {
		text string
		at   point
		want bool
	}{{"256", point{105, 115}, true}, {"16", point{105, 115}, false}, {"256", point{140, 105}, false}} {
		if got := bs.says(c.text, c.at, valueReach); got != c.want {
			t.Errorf("%s at %v is said: %v, want %v", c.text, c.at, got, c.want)
		}
	}
}

func TestNamesThatBeginAlikeStayApartWhenTheyAreCut(t *testing.T) {
	a, b := fitEnds("a-long-name-of-a-mode-1", noteStyle, 80), fitEnds("a-long-name-of-a-mode-2", noteStyle, 80)
	if a == b || noteStyle.width(a) > 80 {
		t.Errorf("both are cut to %q and %q", a, b)
	}
}
