package results

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waybill/harness/semantics"
	"waybill/results/look"
)

func cellOf(r semantics.Result) semantics.Cell {
	return semantics.Cell{Episode: 1, Fault: "kill-all", Stage: semantics.Stored, Guarantee: semantics.AtLeastOnce, Result: r, N: 1, Bound: 0.95}
}

func TestABrokenCellIsNotMaskedByAnotherInItsPlace(t *testing.T) {
	for _, cells := range [][]semantics.Cell{
		{cellOf(semantics.Broken), cellOf(semantics.Inconclusive)},
		{cellOf(semantics.Kept), cellOf(semantics.Broken), cellOf(semantics.Kept)},
	} {
		g := newGrid(semantics.Verdict{Lanes: []semantics.Lane{{Name: "a", Cells: cells}}})
		if len(g.rows) != 1 || g.rows[0].cells[1].Result != semantics.Broken {
			t.Errorf("grid %+v: want one row that is broken", g.rows)
		}
	}
}

func TestOnlyAKeptCellStatesABound(t *testing.T) {
	for _, c := range []struct {
		result semantics.Result
		n      int
		want   string
	}{
		{semantics.Kept, 1, "kept n=1 ≤95%"},
		{semantics.Kept, 0, "kept"},
		{semantics.Broken, 1, "BROKEN n=1"},
		{semantics.Observed, 3, "observed n=3"},
		{semantics.NotAffected, 0, "n/a"},
	} {
		cell := cellOf(c.result)
		cell.N = c.n
		if got := firstLine(cell); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestACellOfAnEpisodeThatIsNotListedIsStillShown(t *testing.T) {
	text := matrix(t, semantics.Verdict{Result: semantics.Broken, ExitCode: 1,
		Lanes: []semantics.Lane{{Name: "a", Mode: "m", Cells: []semantics.Cell{cellOf(semantics.Broken)}}}}, TermOptions{})
	if !strings.Contains(text, "1 kill-all") || !strings.Contains(text, "BROKEN n=1") || !strings.Contains(text, "a (mode m)") {
		t.Errorf("matrix without the cell:\n%s", text)
	}
}

func TestExitCodesAreExplained(t *testing.T) {
	for code, want := range map[int]string{0: "every promise kept", 1: "a promise was broken", 2: "none broken, some inconclusive",
		3: "bad usage or experiment", 4: "the harness or the broker could not be run"} {
		if got := exitMeaning(code); got != want {
			t.Errorf("exit code %d: %q, want %q", code, got, want)
		}
	}
}

func TestPercentAndTicksKeepTwoOrThreeDigits(t *testing.T) {
	for p, want := range map[float64]string{0.95: "95%", 0.0487: "4.9%", 0.451: "45%", 0: "0%", 0.01: "1%", 1: "100%"} {
		if got := look.Percent(p); got != want {
			t.Errorf("look.Percent(%g) = %q, want %q", p, got, want)
		}
	}
	for us, want := range map[int64]string{-1: "–", 0: "0 µs", 999: "999 µs", 1500: "1.5 ms", 2_500_000: "2.5 s", 150_000_000: "150 s"} {
		if got := look.Ticks(us); got != want {
			t.Errorf("look.Ticks(%d) = %q, want %q", us, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567"} {
		if got := look.Count(n); got != want {
			t.Errorf("look.Count(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestReasonsNameTheirPlacesBrieflyAndWhole(t *testing.T) {
	cell := func(s semantics.Stage, episode int, r semantics.Result, why string) semantics.Cell {
		return semantics.Cell{Episode: episode, Fault: "f", Stage: s, Guarantee: semantics.AtLeastOnce, Result: r, Why: why}
	}
	const no, yes = semantics.Inconclusive, semantics.Kept
	v := semantics.Verdict{Lanes: []semantics.Lane{
		{Name: "a", Cells: []semantics.Cell{
			cell(semantics.Stored, 1, no, "starved"), cell(semantics.Applied, 1, no, "starved"),
			cell(semantics.Stored, 2, no, "starved"), cell(semantics.Applied, 2, no, "starved"),
			cell(semantics.Stored, 3, no, "starved"), cell(semantics.Applied, 3, yes, ""), cell(semantics.Stored, 4, no, "late")}},
		{Name: "b", Cells: []semantics.Cell{
			cell(semantics.Stored, 1, no, "starved"), cell(semantics.Stored, 2, no, "idle"), cell(semantics.Stored, 3, yes, ""), cell(semantics.Stored, 4, no, "late")}},
	}, Episodes: []semantics.Episode{{Number: 3, Fault: "f", Liveness: map[string]semantics.Result{"b": no}, LiveWhy: map[string]string{"b": "starved"}},
		{Number: 4, Fault: "f", Liveness: map[string]semantics.Result{"a": no}, LiveWhy: map[string]string{"a": "late"}}}}
	want := []reason{{"starved", []string{"all of 1", "2 a", "3 a/stored", "3 b/liveness"}}, {"idle", []string{"2 b/stored"}},
		{"late", []string{"4 a/stored", "4 b/stored", "4 a/liveness"}}}
	if diff := cmp.Diff(want, reasonsFor(v, no)); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
}

func TestTheLastDrainIsNoFaultThatBitNothing(t *testing.T) {
	v := semantics.Verdict{Target: "nats", Result: semantics.Broken, Episodes: []semantics.Episode{
		{Number: 1, Fault: "kill-all", Healed: true, Liveness: map[string]semantics.Result{"a": semantics.Broken}}, {Number: 2, Fault: "final", Healed: true}}}
	if diff := cmp.Diff([]string{"episode 1 (kill-all) bit nothing"}, troubles(v)); diff != "" {
		t.Errorf("troubles (-want +got):\n%s", diff)
	}
	if got := summary(v); !strings.Contains(got, "under 1 fault;") || !strings.Contains(got, "Liveness failed 1 time.") {
		t.Errorf("summary %q", got)
	}
	if got := headline(v); !strings.Contains(got, "liveness") {
		t.Errorf("headline %q: no cell is broken, only liveness", got)
	}
}

func TestAFindingOfLivenessAccusesNoPromise(t *testing.T) {
	for anomaly, want := range map[string]string{"unavailable": "breaks a limit of liveness", "stuck: drain": "breaks a limit of liveness", "lost: vanished": "breaks the promise"} {
		if got := findingVerb(semantics.Verdict{}, semantics.Finding{Anomaly: anomaly, Breaks: true}); got != want {
			t.Errorf("%s: %q, want %q", anomaly, got, want)
		}
	}
	if got := findingVerb(semantics.Verdict{}, semantics.Finding{Anomaly: "unavailable"}); got != "permitted, counted" {
		t.Errorf("a finding that breaks nothing: %q", got)
	}
}
