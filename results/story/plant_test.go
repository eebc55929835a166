package story_test

import (
	"context"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"waybill/checkers"
	"waybill/checkers/checkertest"
	"waybill/checkers/plant"
	"waybill/harness/history"
	"waybill/results/story"
)

func families() []checkertest.Options {
	return []checkertest.Options{{}, {Modes: checkertest.LogModes(), Partitions: 3}, {Modes: checkertest.QueueModes()}}
}

// audited is an input for stories, with all messages of its findings.
func audited(t testing.TB, h checkertest.History, events history.Memory) (story.Input, checkers.Named) {
	t.Helper()
	in := h.Input()
	in.Source = events
	v, named, err := checkers.AuditNamed(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return story.Input{Source: events, Experiment: h.Experiment, Verdict: v}, named
}

// proofs are the acts of which a story must mark one line, by anomaly: the observation without which nobody would believe the finding.
var proofs = map[string][][]story.Act{
	"lost: in delivery":     {{story.Sent}, {story.NoEffect}},
	"lost: not accepted":    {{story.Sent}, {story.Absent, story.NoEffect}},
	"lost: in consumer":     {{story.Sent}, {story.Acked, story.Delivered}, {story.NoEffect}},
	"lost: in effect store": {{story.Sent}, {story.Applied, story.Transaction, story.Effect}, {story.NoEffect}},
	"lost: vanished":        {{story.Sent}, {story.Absent}, {story.NoEffect}},
	"vanished":              {{story.Sent}, {story.Absent}},
	"duplicate in store":    {{story.Stored}},
	"misplaced":             {{story.Sent}, {story.Stored}},
	"inconsistent position": {{story.Stored, story.Sent}, {story.Stored, story.Displaced}},
	"phantom":               {{story.Stored, story.Delivered, story.Effect}},
	"corrupt":               {{story.Stored, story.Delivered, story.Effect}},
	"foreign":               {{story.Stored, story.Delivered, story.Effect}},
	"resurrected":           {{story.Sent, story.Transaction}, {story.Stored, story.Delivered, story.Effect}},
	"duplicate effect":      {{story.Effect}},
	"duplicate delivery":    {{story.Delivered}},
	"illegal redelivery":    {{story.Delivered}, {story.Acked}},
	"reordered":             {{story.Sent}, {story.Displaced}},
	"torn":                  {{story.Transaction}, {story.NoEffect}},

	"reordered in delivery": {{story.Delivered}, {story.Displaced}},
	"nonlinear":             {{story.Sent}, {story.Displaced}},
	"nonmonotonic":          {{story.Delivered}, {story.Displaced}},
	"skipped":               {{story.Stored}, {story.Displaced}},
	"early redelivery":      {{story.Delivered}},
}

func TestTheStoryOfAPlantedMessageHoldsTheProof(t *testing.T) {
	var made []checkertest.History
	for seed := range uint64(2) {
		for _, o := range families() {
			made = append(made, checkertest.Generate(seed, o))
		}
	}
	for _, p := range plant.All() {
		t.Run(p.Name, func(t *testing.T) {
			told := 0
			for n, h := range made {
				rng := rand.New(rand.NewPCG(uint64(n), 7))
				for i, l := range h.Experiment.Lanes {
					if !p.Fits(l.Mode) || told >= 2 {
						continue
					}
					out, ok := p.Apply(rng, h.Events, uint32(i))
					if !ok {
						continue
					}
					in, named := audited(t, h, out.Events)
					told += proven(t, in, named.Of, p.Anomaly, l.Name)
				}
			}
			if told == 0 {
				t.Fatal("nothing was planted")
			}
		})
	}
}

// proven demands of every finding of an anomaly that the story of its first message proves it.
func proven(t *testing.T, in story.Input, of func(int) iter.Seq[history.Msg], anomaly, lane string) (told int) {
	t.Helper()
	for _, f := range in.Verdict.Findings {
		if f.Lane != lane || !strings.HasPrefix(f.Anomaly, anomaly) {
			continue
		}
		told++
		if strings.HasPrefix(story.Definition(f.Anomaly), "What the finding's own words say") {
			t.Errorf("%s has no definition", f.Anomaly)
		}
		if len(f.Tokens) == 0 {
			continue // it is about a lane
		}
		ask, err := story.Parse(in.Verdict, f.Tokens[0])
		if err != nil {
			t.Fatal(err)
		}
		ask.Findings = []int{f.ID}
		out, err := story.Read(context.Background(), in, []story.Ask{ask}, of)
		if err != nil {
			t.Fatal(err)
		}
		s := out.Stories[0]
		marked := map[story.Act]int{}
		for _, l := range s.Lines {
			if slices.Contains(l.Proof, f.ID) {
				marked[l.Act]++
			}
		}
		name, _, _ := strings.Cut(f.Anomaly, ": not on")
		want, known := proofs[name]
		if !known {
			t.Fatalf("this test does not know what proves %q", f.Anomaly)
		}
		for _, acts := range want {
			if !slices.ContainsFunc(acts, func(a story.Act) bool { return marked[a] > 0 }) {
				t.Fatalf("%s, lane %s: want one of %v marked as proof, marked are %v in\n%s", f.Anomaly, lane, acts, marked, text(t, s, 120))
			}
		}
		if again := strings.Contains(f.Anomaly, "redelivery") || f.Anomaly == "duplicate delivery"; again && marked[story.Delivered] < 2 {
			t.Fatalf("%s: want both deliveries marked in\n%s", f.Anomaly, text(t, s, 120))
		}
		var grouped int64
		for _, g := range out.Causes {
			for _, c := range g.Causes {
				if g.ID == f.ID {
					grouped += c.Count
				}
			}
		}
		if n := int64(len(slices.Collect(of(f.ID)))); grouped != n {
			t.Fatalf("%s: its causes count %d messages, it has %d", f.Anomaly, grouped, n)
		}
	}
	return told
}

func text(t testing.TB, s story.Story, width int) string {
	t.Helper()
	var b strings.Builder
	if err := s.Text(&b, story.Options{Width: width}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
