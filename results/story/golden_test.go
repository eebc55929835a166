package story_test

import (
	"bytes"
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waybill/checkers/checkertest"
	"waybill/harness/golden"
	"waybill/harness/history"
	"waybill/results/story"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func read(t *testing.T, in story.Input, of func(int) iter.Seq[history.Msg], asks ...story.Ask) story.Telling {
	t.Helper()
	told, err := story.Read(context.Background(), in, asks, of)
	if err != nil {
		t.Fatal(err)
	}
	return told
}

func draw(t *testing.T, told story.Telling, o story.Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := story.Causes(&b, told.Causes, o); err != nil {
		t.Fatal(err)
	}
	for _, s := range told.Stories {
		b.WriteByte('\n')
		if err := s.Text(&b, o); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestStoriesReadAsApproved(t *testing.T) {
	lost, ofLost := cutBack()
	twice, ofTwice := undead()
	for _, c := range []struct {
		file    string
		in      story.Input
		of      func(int) iter.Seq[history.Msg]
		ask     story.Ask
		options story.Options
	}{
		{"cut-back-80.txt", lost, ofLost, story.Ask{Msg: msg(5), Findings: []int{1}}, story.Options{Width: 80}},
		{"cut-back-120-color.txt", lost, ofLost, story.Ask{Msg: msg(6), Findings: []int{1}}, story.Options{Width: 120, Color: true}},
		{"undead-100.txt", twice, ofTwice, story.Ask{Msg: msg(1), Findings: []int{1, 2}}, story.Options{Width: 100}},
	} {
		t.Run(c.file, func(t *testing.T) { golden.Compare(t, c.file, draw(t, read(t, c.in, c.of, c.ask), c.options)) })
	}
}

func TestNoLineIsWiderThanTheTerminal(t *testing.T) {
	in, of := undead()
	for _, width := range []int{60, 80, 120} {
		for line := range strings.Lines(string(draw(t, read(t, in, of, story.Ask{Msg: msg(1), Findings: []int{1, 2}}), story.Options{Width: width}))) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > width {
				t.Errorf("width %d: %d columns: %s", width, n, line)
			}
		}
	}
}

func TestTablesFitNarrowTerminals(t *testing.T) {
	for _, streams := range [][]string{{"partition 3", "partition 3"}, {"partition 2", "partition 3"}} {
		var g story.Grouped
		for i, at := range streams {
			g.Causes = append(g.Causes, story.Cause{Count: 1368, First: -32_200_000, Last: -20_800, Phase: story.Before, By: "autocommit-early-c2 (life 42)",
				Stream: at, From: 2165, To: 3532, Runs: i + 1, Shape: story.Middle})
		}
		for line := range strings.Lines(string(draw(t, story.Telling{Causes: []story.Grouped{g}}, story.Options{Width: 80}))) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 80 {
				t.Errorf("%v: %d columns: %s", streams, n, line)
			}
		}
		if wide := string(draw(t, story.Telling{Causes: []story.Grouped{g}}, story.Options{Width: 120})); !strings.Contains(wide, "(life 42)") || !strings.Contains(wide, "runs") {
			t.Errorf("something is left out where there is room:\n%s", wide)
		}
	}
}

// What a broker says reaches a terminal without what could act on it.
func TestABrokersWordsCannotActOnATerminal(t *testing.T) {
	in, of := undead()
	out := draw(t, read(t, in, of, story.Ask{Msg: msg(1)}), story.Options{})
	if !bytes.Contains(out, []byte("INVALID_TXN_STATE")) || bytes.ContainsRune(out, 0x1b) {
		t.Errorf("want the words without their escape sequence: %q", out)
	}
}

func TestAMessageWithNothingWrongIsToldSo(t *testing.T) {
	h := checkertest.Generate(3, checkertest.Options{})
	in, _ := audited(t, h, h.Events)
	for _, e := range h.Events {
		if e.Kind != history.Send {
			continue
		}
		told := read(t, in, nil, story.Ask{Msg: e.Msg})
		if s := told.Stories[0]; !s.Fine || !s.Known || len(s.Findings) > 0 || told.Causes != nil || !strings.Contains(text(t, s, 80), "Nothing is wrong with it") {
			t.Fatalf("%+v", s)
		}
	}
}

func TestAMessageOfWhichNothingIsKnownIsNotMadeUp(t *testing.T) {
	in, _ := cutBack()
	if s := read(t, in, nil, story.Ask{Msg: msg(99)}).Stories[0]; s.Known || s.Fine || len(s.Lines) > 0 {
		t.Errorf("%+v", s)
	}
}

func TestCausesSayWhoWhenAndWhichPart(t *testing.T) {
	in, of := cutBack()
	want := []story.Grouped{{ID: 1, Lane: "orders", Anomaly: "lost: vanished", Breaks: true, Episode: 1, Fault: "kill-leader", Count: 2, Strikes: 1,
		Sentences: []string{"All 2 acked by n2 between 2.60 ms and 1.20 ms before it was struck: contiguous tail of partition 0: 105–106."},
		Causes: []story.Cause{{Count: 2, Verb: "acked", Phase: story.Before, First: -2601, Last: -1201, By: "n2", Struck: true, Clients: []string{"orders-p1"},
			Stream: "partition 0", From: 105, To: 106, Runs: 1, Shape: story.Tail}}}}
	if diff := cmp.Diff(want, read(t, in, of).Causes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhichPartOfTheStream(t *testing.T) {
	for _, c := range []struct {
		claim  string
		seqs   []uint64
		causes []string
	}{
		{"everything", []uint64{1, 2, 3, 4, 5, 6}, []string{"the whole of partition 0: 101–106"}},
		{"the first three", []uint64{1, 2, 3}, []string{"contiguous prefix of partition 0: 101–103"}},
		{"two in the middle", []uint64{3, 4}, []string{"contiguous middle of partition 0: 103–104"}},
		{"some, up to the end", []uint64{2, 4, 6}, []string{"3 runs in the tail of partition 0: 102–106"}},
		{"both ends", []uint64{1, 6}, []string{"2 runs over the whole of partition 0: 101–106"}},
		{"one", []uint64{4}, []string{"one message in the middle of partition 0: 104"}},
		{"one before and one after the strike", []uint64{6, 7}, []string{"1 acked by n3 437 ms after the strike, before recovery: one message in the middle", "1 acked by n2 1.20 ms before it was struck: the last message"}},
	} {
		in, _ := cutBack()
		var msgs []history.Msg
		for _, seq := range c.seqs {
			msgs = append(msgs, msg(seq))
		}
		in.Verdict.Findings[0].Count = int64(len(msgs))
		got := read(t, in, func(int) iter.Seq[history.Msg] { return slices.Values(msgs) }).Causes[0]
		for _, want := range c.causes {
			if said := strings.Join(got.Sentences, "\n"); !strings.Contains(said, want) {
				t.Errorf("%s: %q, want %q", c.claim, said, want)
			}
		}
	}
}
