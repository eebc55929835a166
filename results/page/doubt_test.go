package page

import (
	"bytes"
	"html"
	"slices"
	"strings"
	"testing"

	"waybill/results/bench"
	"waybill/results/bench/benchtest"
)

func TestEveryWarningIsOnThePage(t *testing.T) {
	b := sampleBench(benchtest.Struck(), benchtest.Unsettled())
	const small = "a small doubt of nothing in particular"
	b.Summary.Warnings = append(b.Summary.Warnings, bench.Warning{Text: small})
	var out bytes.Buffer
	if err := WriteBench(&out, b); err != nil {
		t.Fatal(err)
	}
	top, rest, _ := strings.Cut(html.UnescapeString(out.String()), `<h2 id="cost">`)
	for _, w := range b.Summary.Warnings {
		if w.Grave && !strings.Contains(top, w.Text) || !w.Grave && !strings.Contains(rest, w.Text) {
			t.Errorf("the page lacks the warning %q, grave %v", w.Text, w.Grave)
		}
	}
}

func TestFiguresNearTheHarnesssOwnLimitAreHatched(t *testing.T) {
	b := sampleBench()
	table := newLevelTable(b)
	var want, got []string
	for i, l := range b.Summary.Levels {
		if l.Hatched {
			want = append(want, l.Arm.Mode)
		}
		if table.Rows[i].Hatched {
			got = append(got, table.Rows[i].Mode)
		}
	}
	if len(want) == 0 || len(want) == len(table.Rows) || !slices.Equal(got, want) {
		t.Errorf("hatched are %v, want %v", got, want)
	}
	if n := strings.Count(string(usual()), `<td class="num hatched" data-key=`); n < len(want) {
		t.Errorf("%d cells are hatched, want at least %d", n, len(want))
	}
}

func TestLatenciesOfABrokenLoadAreStruckOut(t *testing.T) {
	b := sampleBench()
	for i := range b.Summary.Loads {
		b.Summary.Loads[i].Struck = true
	}
	n := 0
	for _, r := range newLevelTable(b).Rows {
		if r.P99.N > 0 {
			n++
			if !r.P50.Struck || !r.P99.Struck {
				t.Errorf("%s: latencies of a load that broke its promise are not struck out", r.Mode)
			}
		}
	}
	if n == 0 {
		t.Error("no mode has latencies: the test has gone blind")
	}
}

func TestOneRunHasNoRange(t *testing.T) {
	one := newValue(bench.Interval{Estimate: 5, Low: 5, High: 5, N: 1}, ratio)
	some := newValue(bench.Interval{Estimate: 5, Low: 4, High: 6, N: 3}, ratio)
	if one.Range != "" || one.N != 1 || some.Range != "4.000 to 6.000" {
		t.Errorf("ranges %q and %q", one.Range, some.Range)
	}
}
