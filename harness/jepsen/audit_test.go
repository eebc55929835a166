package jepsen

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waybill/checkers"
	"waybill/harness/semantics"
)

// asJepsen is what jepsen.tests.kafka demands, and the command's default.
var asJepsen = []semantics.Promise{
	{Stage: semantics.Stored, Guarantee: semantics.ExactlyOnce, Ordered: true},
	{Stage: semantics.Delivered, Guarantee: semantics.AtLeastOnce, Ordered: true},
}

// judged is the verdict of a history written as short lines, PROCESS TYPE F VALUE [more entries], each an operation.
func judged(t *testing.T, o Options, lines ...string) semantics.Verdict {
	t.Helper()
	h, err := Read(strings.NewReader(asEDN(lines)))
	if err != nil {
		t.Fatal(err)
	}
	return audited(t, h, o)
}

func asEDN(lines []string) string {
	var b strings.Builder
	for i, l := range lines {
		w := strings.SplitN(l, " ", 4)
		fmt.Fprintf(&b, "{:index %d :time %d :process %s :type :%s :f :%s :value %s}\n", i, i*1000, w[0], w[1], w[2], w[3])
	}
	return b.String()
}

func audited(t testing.TB, h *History, o Options) semantics.Verdict {
	t.Helper()
	if o.Promises == nil {
		o.Promises = asJepsen
	}
	r, err := h.Run(o)
	if err != nil {
		t.Fatal(err)
	}
	v, err := checkers.Audit(context.Background(), checkers.Input{Source: r.Events, Experiment: r.Experiment, Schedule: r.Schedule})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// found is the findings that break a promise: anomaly, messages' keys and values, and what Jepsen calls it.
func found(v semantics.Verdict) []string {
	var out []string
	for _, f := range v.Findings {
		if !f.Breaks {
			continue
		}
		var values []string
		for _, token := range f.Tokens {
			values = append(values, strings.ReplaceAll(strings.TrimPrefix(token, "wb1-imported-100"), "000000000", ""))
		}
		out = append(out, strings.TrimSuffix(fmt.Sprintf("%s %s %s", f.Anomaly, strings.Join(values, " "), f.Jepsen), " "))
	}
	slices.Sort(out)
	return out
}

// results is each cell's result, as LANE STAGE RESULT.
func cells(v semantics.Verdict) []string {
	var out []string
	for _, l := range v.Lanes {
		for _, c := range l.Cells {
			out = append(out, fmt.Sprintf("%s %s %s", l.Name, c.Stage, c.Result))
		}
	}
	return out
}

// three is a log of three messages that process 0 sent; %s is what process 1 polls of it.
func three(polls ...string) []string {
	lines := []string{
		"0 invoke send [[:send 3 1]]", "0 ok send [[:send 3 [0 1]]]",
		"0 invoke send [[:send 3 2]]", "0 ok send [[:send 3 [1 2]]]",
		"0 invoke send [[:send 3 3]]", "0 ok send [[:send 3 [2 3]]]",
		"1 invoke assign [3]", "1 ok assign [3]",
	}
	for _, p := range polls {
		lines = append(lines, "1 invoke poll [[:poll]]", "1 ok poll [[:poll {"+p+"}]]")
	}
	return lines
}

// finals are the polls of processes that read key 3 once more from its beginning.
func finals(all string, processes ...string) (out []string) {
	for _, p := range processes {
		out = append(out, p+" invoke assign [3]", p+" ok assign [3] :seek-to-beginning? true", p+" invoke poll [[:poll]]", p+" ok poll [[:poll {3 "+all+"}]]")
	}
	return out
}

const whole = "3 [[0 1] [1 2] [2 3]]"

func TestEveryAnomalyOfJepsensKafkaWorkloadIsJudged(t *testing.T) {
	for _, c := range []struct {
		name  string
		lines []string
		o     Options
		found []string
		cells []string
		exit  int
	}{
		{name: "a clean log that two readers read again at the end", lines: append(three(whole), finals("[[0 1] [1 2] [2 3]]", "2", "3")...),
			cells: []string{"log stored kept", "log delivered kept"}},
		{name: "a clean log that nobody read again: its store was seen once", lines: three(whole),
			cells: []string{"log stored inconclusive", "log delivered kept"}, exit: 2},
		{name: "lost-write: what lies beyond it was polled", lines: three("3 [[0 1] [2 3]]"),
			found: []string{"lost: vanished 03-2 lost-write"}, cells: []string{"log stored broken", "log delivered broken"}, exit: 1},
		{name: "unseen: nothing beyond it was polled", lines: three("3 [[0 1] [1 2]]"),
			cells: []string{"log stored inconclusive", "log delivered kept", "unread stored inconclusive", "unread delivered inconclusive"}, exit: 2},
		{name: "unseen, and the history is drained", lines: three("3 [[0 1] [1 2]]"), o: Options{Drained: true},
			found: []string{"lost: not accepted 03-3 unseen"}, cells: []string{"log stored broken", "log delivered broken"}, exit: 1},
		{name: "lost-write and unseen: the one is not masked by the other", lines: three("3 [[1 2]]"),
			found: []string{"lost: vanished 03-1 lost-write"},
			cells: []string{"log stored broken", "log delivered broken", "unread stored inconclusive", "unread delivered inconclusive"}, exit: 1},
		{name: "duplicate: one value at two offsets", lines: three("3 [[0 1] [1 2] [2 3] [3 2]]"),
			found: []string{"duplicate in store 03-2 duplicate"}, cells: []string{"log stored broken", "log delivered kept"}, exit: 1},
		{name: "duplicate, where at least once is promised", lines: append(three("3 [[0 1] [1 2] [2 3] [3 2]]"), finals("[[0 1] [1 2] [2 3] [3 2]]", "2", "4")...),
			o:     Options{Promises: []semantics.Promise{{Stage: semantics.Stored, Guarantee: semantics.AtLeastOnce}}},
			cells: []string{"log stored kept"}},
		{name: "inconsistent-offsets: another value lies where one was acknowledged", lines: three("3 [[0 2] [1 1] [2 3]]"),
			found: []string{"misplaced 03-1 03-2 inconsistent-offsets"}, cells: []string{"log stored broken", "log delivered kept"}, exit: 1},
		{name: "inconsistent-offsets: two readers find two values at one offset",
			lines: append(three(whole), "2 invoke poll [[:poll]]", "2 ok poll [[:poll {3 [[0 1] [1 9] [2 3]]}]]", "4 invoke send [[:send 3 9]]", "4 info send [[:send 3 9]]"),
			found: []string{"vanished: not on replica polls-that-differ 03-2"}, cells: []string{"log stored broken", "log delivered kept"}, exit: 1},
		{name: "G1a: a value of a failed send is polled",
			lines: append(three(whole), "0 invoke txn [[:send 3 4]]", "0 fail txn [[:send 3 4]]", "1 invoke poll [[:poll]]", "1 ok poll [[:poll {3 [[3 4]]}]]"),
			found: []string{"resurrected 03-4 G1a"}, cells: []string{"log stored broken", "log delivered kept"}, exit: 1},
		{name: "a failed send that may have happened is no G1a", o: Options{FailsUnknown: true},
			lines: append(three(whole), "0 invoke txn [[:send 3 4]]", "0 fail txn [[:send 3 4]]", "1 invoke poll [[:poll]]", "1 ok poll [[:poll {3 [[3 4]]}]]"),
			cells: []string{"log stored inconclusive", "log delivered kept"}, exit: 2},
		{name: "a send of unknown outcome may be polled, or not",
			lines: append(three(whole), "2 invoke send [[:send 3 4] [:send 3 5]]", "2 info send [[:send 3 4] [:send 3 5]]", "1 invoke poll [[:poll]]", "1 ok poll [[:poll {3 [[3 4]]}]]"),
			cells: []string{"log stored inconclusive", "log delivered kept"}, exit: 2},
		{name: "a send that never ends may be polled",
			lines: append(three(whole), "2 invoke send [[:send 3 4]]", "1 invoke poll [[:poll]]", "1 ok poll [[:poll {3 [[3 4]]}]]"),
			cells: []string{"log stored inconclusive", "log delivered kept"}, exit: 2},
		{name: "phantom: a value that nobody sent, at which Jepsen's checker throws", lines: three("3 [[0 1] [1 2] [2 3] [3 77]]"),
			found: []string{"phantom 03-0000000077"}, cells: []string{"log stored broken", "log delivered kept"}, exit: 1},
		{name: "nonmonotonic-send: a later send of one process lies before an earlier one",
			lines: []string{"0 invoke send [[:send 3 1]]", "0 ok send [[:send 3 [1 1]]]", "0 invoke send [[:send 3 2]]", "0 ok send [[:send 3 [0 2]]]",
				"1 invoke poll [[:poll]]", "1 ok poll [[:poll {3 [[0 2] [1 1]]}]]"},
			found: []string{"reordered 03-2 nonmonotonic-send"}, cells: []string{"log stored broken", "log delivered broken"}, exit: 1},
		{name: "sends of two processes have no order",
			lines: []string{"0 invoke send [[:send 3 1]]", "0 ok send [[:send 3 [1 1]]]", "2 invoke send [[:send 3 2]]", "2 ok send [[:send 3 [0 2]]]",
				"1 invoke poll [[:poll]]", "1 ok poll [[:poll {3 [[0 2] [1 1]]}]]"},
			cells: []string{"log stored inconclusive", "log delivered kept"}, exit: 2},
		{name: "skip-poll: one reader jumps over what another one reads", lines: append(three("3 [[0 1]]", "3 [[2 3]]"), "2 invoke poll [[:poll]]", "2 ok poll [[:poll {"+whole+"}]]"),
			found: []string{"skipped 03-2 poll-skip"}, cells: []string{"log stored inconclusive", "log delivered broken"}, exit: 1},
		{name: "int-poll-skip: within one poll", lines: append(three("3 [[0 1] [2 3]]"), "2 invoke poll [[:poll]]", "2 ok poll [[:poll {"+whole+"}]]"),
			found: []string{"skipped 03-2 poll-skip"}, cells: []string{"log stored inconclusive", "log delivered broken"}, exit: 1},
		{name: "nonmonotonic-poll: the same offsets again", lines: three(whole, "3 [[1 2]]"),
			found: []string{"nonmonotonic 03-2 nonmonotonic-poll"}, cells: []string{"log stored inconclusive", "log delivered broken"}, exit: 1},
		{name: "a step back after the key was assigned anew is none",
			lines: append(three(whole), "1 invoke assign [3]", "1 ok assign [3] :seek-to-beginning? true", "1 invoke poll [[:poll]]", "1 ok poll [[:poll {"+whole+"}]]"),
			cells: []string{"log stored inconclusive", "log delivered kept"}, exit: 2},
		{name: "a step back during a rebalance is none", lines: append(three(whole), "1 invoke poll [[:poll]]", "1 ok poll [[:poll {3 [[1 2]]}]] :rebalance-log [{:keys [3]}]"),
			cells: []string{"log stored inconclusive", "log delivered kept"}, exit: 2},
		{name: "a step back after a transaction that failed is none: what it polled comes again",
			lines: append(three("3 [[0 1]]"), "1 invoke txn [[:poll]]", "1 fail txn [[:poll {3 [[1 2]]}]]", "1 invoke poll [[:poll]]", "1 ok poll [[:poll {3 [[1 2] [2 3]]}]]"),
			cells: []string{"log stored inconclusive", "log delivered kept"}, exit: 2},
		{name: "readers that finished before the last send are no final readers",
			lines: append(append(three(whole), finals("[[0 1] [1 2] [2 3]]", "2", "4")...), "0 invoke send [[:send 3 4]]", "0 fail send [[:send 3 4]]"),
			cells: []string{"log stored inconclusive", "log delivered kept"}, exit: 2},
		{name: "a subscriber's steps are not judged: the broker's choice is not in the history",
			lines: append(three(whole), "2 invoke subscribe [3]", "2 ok subscribe [3]", "2 invoke poll [[:poll]]", "2 ok poll [[:poll {3 [[2 3] [0 1]]}]]"),
			cells: []string{"log stored inconclusive", "log delivered kept"}, exit: 2},
		{name: "an acknowledgement without an offset, never polled", lines: append(three(whole), "0 invoke send [[:send 3 4]]", "0 ok send [[:send 3 [nil 4]]]"),
			cells: []string{"log stored inconclusive", "log delivered kept", "unread stored inconclusive", "unread delivered inconclusive"}, exit: 2},
		{name: "polls alone: what is there was sent by nobody", lines: []string{"1 invoke poll [[:poll]]", "1 ok poll [[:poll {3 [[0 1]]}]]"},
			found: []string{"phantom 03-1"}, cells: []string{"log stored broken", "log delivered inconclusive"}, exit: 1},
		{name: "sends alone say nothing of what became of them", lines: three()[:6],
			cells: []string{"log stored inconclusive", "log delivered inconclusive", "unread stored inconclusive", "unread delivered inconclusive"}, exit: 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := judged(t, c.o, c.lines...)
			if diff := cmp.Diff(c.found, found(v)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.cells, cells(v)); diff != "" {
				t.Errorf("cells (-want +got):\n%s", diff)
			}
			if v.ExitCode != c.exit {
				t.Errorf("exit code %d, want %d", v.ExitCode, c.exit)
			}
		})
	}
}

func TestAQueueWithoutOffsetsIsJudgedByWhatCameOut(t *testing.T) {
	sent := []string{"0 invoke enqueue 1", "0 ok enqueue 1", "0 invoke enqueue 2", "0 ok enqueue 2", "2 invoke enqueue 3", "2 info enqueue 3", "1 invoke dequeue nil", "1 ok dequeue 1"}
	drain := func(values string) []string { return []string{"1 invoke drain nil", "1 ok drain " + values} }
	for _, c := range []struct {
		name  string
		lines []string
		o     Options
		found []string
		cells []string
	}{
		{name: "everything came out", lines: append(sent, drain("[2]")...), cells: []string{"log delivered kept"}},
		{name: "what was acknowledged stayed away after a drain", lines: append(sent, drain("[3]")...),
			found: []string{"lost: not accepted wb1-imported-90000-2"}, cells: []string{"log delivered broken"}},
		{name: "nobody drained it", lines: sent, cells: []string{"log delivered kept", "unread delivered inconclusive"}},
		{name: "nobody drained it, and it is said to be drained", lines: sent, o: Options{Drained: true},
			found: []string{"lost: not accepted wb1-imported-90000-2"}, cells: []string{"log delivered broken"}},
		{name: "a drain that failed proves nothing", lines: append(slices.Clone(sent), "1 invoke drain nil", "1 info drain [3]"),
			cells: []string{"log delivered kept", "unread delivered inconclusive"}},
		{name: "a drain that began before the last enqueue ended proves nothing",
			lines: append(slices.Clone(sent[:6]), "1 invoke drain nil", "0 invoke enqueue 4", "0 ok enqueue 4", "1 ok drain [1 2 3]"),
			cells: []string{"log delivered kept", "unread delivered inconclusive"}},
		{name: "a drain before the last enqueue proves nothing", lines: append(append(slices.Clone(sent), drain("[3]")...), "0 invoke enqueue 4", "0 info enqueue 4"),
			cells: []string{"log delivered kept", "unread delivered inconclusive"}},
		{name: "unexpected: nobody enqueued it", lines: append(sent, drain("[2 9]")...),
			found: []string{"phantom wb1-imported-90000-9"}, cells: []string{"log delivered broken"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.Promises = asJepsen[1:]
			v := judged(t, c.o, c.lines...)
			if diff := cmp.Diff(c.found, found(v)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.cells, cells(v)); diff != "" {
				t.Errorf("cells (-want +got):\n%s", diff)
			}
		})
	}
}

// Operations that a clock cannot tell apart happened in the order in which they stand.
func TestTheOrderOfOperationsCountsAndNotTheirTimes(t *testing.T) {
	lines := []string{"0 invoke send [[:send 3 1]]", "0 ok send [[:send 3 [1 1]]]", "0 invoke send [[:send 3 2]]", "0 ok send [[:send 3 [0 2]]]",
		"1 invoke poll [[:poll]]", "1 ok poll [[:poll {3 [[0 2] [1 1]]}]]"}
	at := regexp.MustCompile(":time [0-9]+")
	for _, time := range []string{":time 5", ""} {
		h, err := Read(strings.NewReader(at.ReplaceAllString(asEDN(lines), time)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"reordered 03-2 nonmonotonic-send"}, found(audited(t, h, Options{}))); diff != "" {
			t.Errorf("with %q (-want +got):\n%s", time, diff)
		}
	}
}
