package cli

import (
	"errors"
	"fmt"
	"testing"

	"waybill/harness/campaign"
	"waybill/harness/experiment"
	"waybill/harness/semantics"
)

func TestTheWorstOfSeveralRunsDecides(t *testing.T) {
	for _, c := range []struct {
		runs []semantics.Result
		want int
	}{
		{nil, ExitKept},
		{[]semantics.Result{semantics.Kept, semantics.Kept}, ExitKept},
		{[]semantics.Result{semantics.Kept, semantics.Inconclusive}, ExitInconclusive},
		{[]semantics.Result{semantics.Inconclusive, semantics.Kept}, ExitInconclusive},
		{[]semantics.Result{semantics.Broken, semantics.Inconclusive}, ExitBroken}, // never masked
		{[]semantics.Result{semantics.Inconclusive, semantics.Broken, semantics.Kept}, ExitBroken},
	} {
		worst := semantics.Kept
		for _, r := range c.runs {
			worst = worse(worst, r)
		}
		if got := exitOf(worst); got != c.want {
			t.Errorf("%v: exit %d, want %d", c.runs, got, c.want)
		}
	}
}

func TestTheExitCodeSaysWhichKindOfEndItWas(t *testing.T) {
	run := fmt.Errorf("%w: no lab", campaign.ErrRun)
	full := fmt.Errorf("%w: sends", campaign.ErrFull)
	for _, c := range []struct {
		name   string
		result semantics.Result
		err    error
		want   int
	}{
		{"the harness could not run", "", run, ExitRun},
		{"the disk was full", semantics.Inconclusive, full, ExitInconclusive},
		{"a promise was seen broken before the run failed", semantics.Broken, run, ExitBroken},
		{"a promise was seen broken before the disk was full", semantics.Broken, full, ExitBroken},
		{"anything else is bad usage", "", errors.New("no such mode"), ExitUsage},
	} {
		if got := exitAfter(semantics.Verdict{Result: c.result}, c.err); got != c.want {
			t.Errorf("%s: exit %d, want %d", c.name, got, c.want)
		}
	}
}

func TestFlagsWinOverTheFileAndOnlyWhereGiven(t *testing.T) {
	file, flags := experiment.DefaultSpec(), experiment.DefaultSpec()
	file.Seed, file.Modes, file.Load.Rate = 7, []string{"core"}, 50
	flags.Seed, flags.Load.Rate = 9, 200
	got := overrule(file, flags, func(name string) bool { return name == "seed" })
	if got.Seed != 9 {
		t.Errorf("seed %d, want the flag's 9", got.Seed)
	}
	if got.Load.Rate != 50 || len(got.Modes) != 1 {
		t.Errorf("rate %v and modes %v, want the file's: no such flag was given", got.Load.Rate, got.Modes)
	}
}

func TestWhatABrokerSaysCannotSteerTheTerminal(t *testing.T) {
	if got, want := printable("a\x1b[2Jb\r\nc\x7fd\u009bé"), "a [2Jb  c d é"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
