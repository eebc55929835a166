package campaign

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"waybill/checkers/checkertest"
	"waybill/checkers/plant"
	"waybill/harness/experiment"
	"waybill/harness/semantics"
	"waybill/results"
	"waybill/results/story"
)

// lossy is a run in whose lane "jetstream" n messages were stored nowhere though acknowledged, more than a verdict names.
func lossy(t *testing.T, messages int) results.Dir {
	t.Helper()
	h := checkertest.Generate(4, checkertest.Options{Messages: messages, Faults: []string{"kill-leader"}})
	lane := uint32(slices.IndexFunc(h.Experiment.Lanes, func(l experiment.Lane) bool { return l.Name == "jetstream" }))
	p := plant.All()[slices.IndexFunc(plant.All(), func(p plant.Plant) bool { return p.Name == "drop it from store, delivery and effects" })]
	for n := range uint64(25) {
		out, ok := p.Apply(rand.New(rand.NewPCG(n, 1)), h.Events, lane)
		if !ok {
			t.Fatal("nothing to drop")
		}
		h.Events = out.Events
	}
	return recorded(t, h)
}

func TestAFindingIsExplainedByAllItsMessages(t *testing.T) {
	d := lossy(t, 60)
	v, err := Judge(context.Background(), d)
	if err != nil {
		t.Fatal(err)
	}
	f := v.Findings[slices.IndexFunc(v.Findings, func(f semantics.Finding) bool { return f.Anomaly == "lost: vanished" })]
	for _, saved := range []bool{false, true} {
		if saved {
			if err := d.SaveVerdict(v); err != nil {
				t.Fatal(err)
			}
		}
		x, err := Explain(context.Background(), d)
		if err != nil {
			t.Fatal(err)
		}
		told, err := x.Finding(context.Background(), f.ID)
		if err != nil {
			t.Fatal(err)
		}
		if len(told.Causes) != 1 || len(told.Stories) != 1 || told.Causes[0].ID != f.ID || told.Stories[0].Token != f.Tokens[0] {
			t.Fatalf("finding %d is told as %+v", f.ID, told)
		}
		var n int64
		for _, c := range told.Causes[0].Causes {
			n += c.Count
		}
		if n != f.Count || f.Count <= int64(len(f.Tokens)) {
			t.Errorf("its causes count %d messages of %d, of which the verdict names %d", n, f.Count, len(f.Tokens))
		}
		// The last one is named by no verdict, and its story says all the same what is wrong with it.
		all, err := x.Causes(context.Background())
		if err != nil || len(all) != len(v.Findings) {
			t.Fatalf("%d findings are grouped, %v, want %d", len(all), err, len(v.Findings))
		}
		msgs := slices.Collect(x.of(f.ID))
		s, err := x.Token(context.Background(), msgs[len(msgs)-1].Prefix(v.Run))
		if err != nil || len(s.Findings) == 0 || s.Findings[0].ID != f.ID || slices.Contains(f.Tokens, s.Token) {
			t.Errorf("%+v, %v: want one that finding %d is about and does not name", s, err, f.ID)
		}
	}
}

func TestWhatTheRunDoesNotHaveIsAnError(t *testing.T) {
	d := lossy(t, 30)
	x, err := Explain(context.Background(), d)
	if err != nil {
		t.Fatal(err)
	}
	good := x.Verdict.Findings[0].Tokens[0]
	for _, c := range []struct {
		claim, token string
		is           error
		says         string
	}{
		{"a message that nobody sent", strings.Replace(good, good[len(good)-4:], "9999", 1), nil, "no event of run testtest concerns"},
		{"another run", strings.Replace(good, "testtest", "othertst", 1), story.ErrRun, "this one is testtest"},
		{"the beginning of many", good[:len(good)-3], story.ErrManifold, "want wb1-testtest-LIFE-SEQUENCE"},
		{"the run alone", "wb1-testtest-", story.ErrManifold, "want wb1-testtest-LIFE-SEQUENCE"},
		{"no token", "order-17", story.ErrToken, "want wb1-testtest-LIFE-SEQUENCE"},
		{"too long a checksum", good + "-000000000", story.ErrToken, ""},
	} {
		if _, err := x.Token(context.Background(), c.token); !errors.Is(err, ErrAsked) || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %v and %q", c.claim, err, c.is, c.says)
		}
	}
	if _, err := x.Token(context.Background(), good+"-0a1b2c3d"); err != nil {
		t.Errorf("with a checksum: %v", err)
	}
	for _, id := range []int{0, -1, len(x.Verdict.Findings) + 1} {
		if _, err := x.Finding(context.Background(), id); !errors.Is(err, ErrAsked) {
			t.Errorf("finding %d: %v, want none", id, err)
		}
	}
}

func TestAnotherVerdictsNumbersAreNotExplained(t *testing.T) {
	d := lossy(t, 60)
	v, err := Judge(context.Background(), d)
	if err != nil {
		t.Fatal(err)
	}
	v.Findings[0].Count++
	if err := d.SaveVerdict(v); err != nil {
		t.Fatal(err)
	}
	if _, err := Explain(context.Background(), d); !errors.Is(err, ErrAsked) || !strings.Contains(err.Error(), "audit --write") {
		t.Errorf("%v: want that the verdict is not this run's", err)
	}
}

func TestAReportLinksItsFindingsToTheirStories(t *testing.T) {
	d := lossy(t, 30)
	v, err := Judge(context.Background(), d)
	if err != nil {
		t.Fatal(err)
	}
	if err := Report(d, v); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(d.Report())
	if err != nil {
		t.Fatal(err)
	}
	page := string(written)
	for _, f := range v.Findings {
		for _, token := range f.Tokens {
			for _, part := range []string{`<li class="token"><a href="#story-` + token + `">`, `<section class="story" id="story-` + token + `">`} {
				if !strings.Contains(page, part) {
					t.Errorf("the report lacks %s", part)
				}
			}
		}
	}
}
