package results

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"waybill/harness/semantics"
)

// wideVerdict is one of as many lanes and faults as the largest run has: kept, observed outside the promise, and observed for want of one.
func wideVerdict() semantics.Verdict {
	lanes := []string{"acks-0", "acks-1", "acks-all", "idempotent", "autocommit-early", "transactional", "unroutable"}
	faults := []string{"kill-consumer", "pause-consumer", "kill-producer", "lose-confirms", "lose-acks", "cut-clients", "kill-broker", "pause-broker",
		"kill-all", "kill-leader", "kill-leader:of=consumer", "isolate-broker", "isolate-leader"}
	v := semantics.Verdict{Target: "kafka", Profile: "default", Run: "k3x9q2ab", Result: semantics.Kept}
	for i, f := range faults {
		v.Episodes = append(v.Episodes, semantics.Episode{Number: i + 1, Fault: f, Bit: true, Healed: true, Liveness: map[string]semantics.Result{}})
	}
	for _, name := range lanes {
		l := semantics.Lane{Name: name, Mode: name}
		for _, e := range v.Episodes {
			e.Liveness[name] = semantics.Kept
			c := semantics.Cell{Episode: e.Number, Fault: e.Fault, Stage: semantics.Applied, Guarantee: semantics.ExactlyOnce, Ordered: true, Atomic: true,
				Result: semantics.Kept, N: 1, Bound: 0.95, Counts: map[string]int64{"redeliveries": 123_456, "duplicate effects": 8, "missing": 4}}
			switch {
			case name == "unroutable":
				c = semantics.Cell{Episode: e.Number, Fault: e.Fault, Stage: semantics.Applied, Result: semantics.Observed, Why: "nothing is promised",
					Counts: map[string]int64{"acknowledged and lost": 139, "redeliveries": 500, "missing": 300, "duplicate effects": 400}}
				e.Liveness[name] = semantics.Observed
			case name == "acks-1" && strings.HasPrefix(e.Fault, "isolate"):
				c.Result, c.Why, c.N, c.Bound = semantics.Observed, "outside the promise", 0, 0
			}
			if c.Result == semantics.Observed {
				id := len(v.Findings) + 1
				c.Findings = []int{id}
				v.Findings = append(v.Findings, semantics.Finding{ID: id, Lane: name, Anomaly: "lost: not accepted", Stage: semantics.Stored, Episode: e.Number,
					Count: 139, Tokens: []string{fmt.Sprintf("wb1-%s-%d", name, e.Number)}, Jepsen: "unseen"})
			}
			l.Cells = append(l.Cells, c)
		}
		v.Lanes = append(v.Lanes, l)
	}
	return v
}

func TestAMatrixOfManyLanesAndFaultsStaysReadable(t *testing.T) {
	for _, width := range []int{80, 100} {
		text := matrix(t, wideVerdict(), TermOptions{Width: width})
		for i, l := range strings.Split(text, "\n") {
			if n := utf8.RuneCountInString(l); n > width {
				t.Errorf("width %d: line %d has %d columns: %q", width, i+1, n, l)
			}
		}
		for _, want := range []string{"13 isolate-", "atomic", "139 lost", "see #3", "nothing is promised: 1 to 13 unroutable/applied"} {
			if !strings.Contains(text, want) {
				t.Errorf("width %d: no %q in\n%s", width, want, text)
			}
		}
		if n := strings.Count(text, "kept n=1 ≤95%"); n != 6*13-2 {
			t.Errorf("width %d: %d cells are shown as kept, want %d: a result must never be cut", width, n, 6*13-2)
		}
	}
	grids := newPageGrids(wideVerdict(), sampleExperiment())
	columns := 0
	for _, g := range grids {
		if columns += len(g.Columns); len(g.Columns) > widestGrid || len(g.Lanes) != 7 {
			t.Errorf("a table of %d columns and %d lanes", len(g.Columns), len(g.Lanes))
		}
	}
	if columns != 13 {
		t.Errorf("%d columns in all, want 13", columns)
	}
}

func TestWhatBreaksNothingIsSaidOnceWithItsReason(t *testing.T) {
	v := wideVerdict()
	text := matrix(t, v, TermOptions{Width: 200})
	for _, want := range []string{
		"#1 to #2 acks-1 · lost: not accepted ×278 · observed, breaks nothing: outside the promise · first visible after episodes 12 to 13",
		"#3 to #15 unroutable · lost: not accepted ×1,807 · observed, breaks nothing: nothing is promised · first visible after episodes 1 to 13",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	v.Findings[5].Breaks = true
	if text := matrix(t, v, TermOptions{Width: 200}); !strings.Contains(text, "#6 unroutable · lost: not accepted ×139 · breaks the promise") {
		t.Errorf("what breaks a promise is folded:\n%s", text)
	}
	v.Lanes[6].Cells[6].Result = semantics.Inconclusive
	if got := findingVerb(v, v.Findings[8]); got != "not judged" {
		t.Errorf("a finding of an inconclusive cell: %q", got)
	}
}

func TestPlacesInARowAreFolded(t *testing.T) {
	in := []string{"1 a/stored", "1 b", "2 a/stored", "all of 3", "4 a/stored", "5 a/stored", "5 b", "6 a/stored"}
	want := []string{"1 a/stored", "1 b", "2 a/stored", "all of 3", "4 to 6 a/stored", "5 b"}
	if d := cmp.Diff(want, folded(in)); d != "" {
		t.Errorf("places (-want +got):\n%s", d)
	}
}

func TestTheReportSaysWhatWasRefusedAndWhatItRanOn(t *testing.T) {
	sched := sampleSchedule()
	sched.Refused = map[string]string{"isolate-leader": "the brokers are run by somebody else", "kill-controller": "this product has no leader of the controller"}
	m := sampleManifest()
	m.Facts = map[string]string{"java": "17.0.15"}
	page := string(rendered(t, wideVerdict(), sampleTimeline(t), sampleExperiment(), sched, m))
	for _, want := range []string{"isolate-leader: the brokers are run by somebody else; kill-controller: this product has no leader of the controller",
		"java 17.0.15", "Jepsen&#39;s Kafka checker calls this unseen", "observed, breaks nothing: nothing is promised", "exactly once, ordered, atomic"} {
		if !strings.Contains(page, want) && !strings.Contains(page, strings.ReplaceAll(want, "&#39;", "'")) {
			t.Errorf("no %q in the page", want)
		}
	}
}

func TestARetryOfTheLibraryAnswersTheDoubtAboutDedup(t *testing.T) {
	v := wideVerdict()
	v.Lanes[3].Cells[3].Exposure = []semantics.Exposure{{What: semantics.ResentStoredOnce, Seen: 12, Need: 1}}
	if got := dedupHits(v); !strings.Contains(got, "idempotent: 12 messages that the producer's library sent again") {
		t.Errorf("said %q", got)
	}
}
