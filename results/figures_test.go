package results

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waybill/harness/history"
	"waybill/harness/semantics"
	"waybill/results/plot"
)

// struck is a run of one lane whose broker is away from 12 s to 16 s of the clock: messages 1 to 4, of which 3 comes twice and 4 never.
func struck() history.Memory {
	msg := func(n uint64) history.Msg { return history.Msg{Life: 1, Seq: n} }
	send := func(at int64, n uint64) history.Event {
		return history.Event{Time: at * second, Kind: history.Send, Msg: msg(n), Attempt: 1, Intended: at * second}
	}
	acked := func(at int64, n uint64) history.Event {
		return history.Event{Time: at * second, Kind: history.Outcome, Msg: msg(n), Attempt: 1, Status: history.Acked}
	}
	applied := func(at int64, n uint64) history.Event {
		return history.Event{Time: at * second, Kind: history.ApplyEnd, Msg: msg(n), Status: history.OK}
	}
	return history.Memory{
		{Time: 10 * second, Kind: history.EpisodeBegin, Ref: 1, Name: "kill-all"},
		send(10, 1), acked(10, 1), applied(11, 1),
		{Time: 12 * second, Kind: history.FaultInject, Ref: 1},
		send(12, 2), send(13, 3), send(14, 4),
		acked(16, 2), acked(16, 3), acked(16, 4), applied(17, 2), applied(17, 3), applied(17, 3),
		send(19, 5),
		{Time: 25 * second, Kind: history.CheckpointBegin, Ref: 1},
		acked(26, 5), applied(26, 5),
		{Time: 30 * second, Kind: history.EpisodeEnd, Ref: 1},
	}
}

func TestSilencesLastFromTheStrikeWhileSomebodySends(t *testing.T) {
	tl := read(t, struck())
	v := semantics.Verdict{Target: "nats", Lanes: []semantics.Lane{{Name: "a", Mode: "jetstream"}}}
	want := []plot.Silence{
		{Target: "nats", Mode: "jetstream", Fault: "kill-all", Acked: 4, Delivered: 5}, // the end of both, at 19 s, is shorter
		{Target: "nats", Mode: "b", Fault: "kill-all", Acked: -1, Delivered: -1},
	}
	if diff := cmp.Diff(want, Silences(v, tl)); diff != "" {
		t.Errorf("silences (-want +got):\n%s", diff)
	}
}

func TestALaneThatNeverComesBackIsSilentUntilTheLastSend(t *testing.T) {
	l := newListener(12 * second)
	for _, e := range []history.Event{{Time: 13 * second, Kind: history.Outcome, Status: history.Acked}, {Time: 20 * second, Kind: history.Send}} {
		l.hear(&e)
	}
	if got, want := l.close(), (Silent{Acked: 7 * second, Applied: 8 * second}); got != want {
		t.Errorf("silent %+v, want %+v", got, want)
	}
}

func TestLossesAndCopiesAreMarkedWhereTheyBelong(t *testing.T) {
	tl := read(t, struck())
	bins := func(at int64) []int64 {
		out := make([]int64, 81)
		out[at*4] = 1
		return out
	}
	if diff := cmp.Diff(bins(4), tl.Lanes[0].Lost); diff != "" {
		t.Errorf("lost, at the intended instant of message 4 (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(bins(7), tl.Lanes[0].Twice); diff != "" {
		t.Errorf("applied again, when it was (-want +got):\n%s", diff)
	}
	ledger := func(lost, twice int64) semantics.Verdict {
		return semantics.Verdict{Lanes: []semantics.Lane{{Name: "a", Ledger: semantics.Ledger{AppliedTwice: twice, Lost: semantics.Losses{Vanished: lost}}}}}
	}
	for _, c := range []struct {
		name        string
		lost, twice int64
	}{{"the audit found none", 0, 0}, {"the audit found them", 1, 1}} {
		t.Run(c.name, func(t *testing.T) {
			l := runOf(ledger(c.lost, c.twice), tl).Lanes[0]
			if got := [2]int64{sum(l.Lost), sum(l.Twice)}; got != [2]int64{c.lost, c.twice} {
				t.Errorf("marked lost and again: %v, want %v", got, [2]int64{c.lost, c.twice})
			}
		})
	}
}

func TestARunIsDrawnAsItsTimelineHasIt(t *testing.T) {
	r := runOf(semantics.Verdict{}, read(t, struck()))
	if r.Seconds != 20 || len(r.Lanes) != 2 {
		t.Fatalf("a run of %v s and %d lanes, want 20 s and 2", r.Seconds, len(r.Lanes))
	}
	want := []plot.Episode{{Number: 1, Fault: "kill-all", Struck: 2, Phases: []plot.Phase{{Kind: plot.Striking, From: 2, To: 20}, {Kind: plot.Checkpoint, From: 15, To: 20}}}}
	if diff := cmp.Diff(want, r.Episodes); diff != "" {
		t.Errorf("episodes in seconds (-want +got):\n%s", diff)
	}
	if p := r.Lanes[1].P50; len(p) == 0 || !math.IsNaN(p[0]) {
		t.Errorf("the median of nothing is %v, want NaN", p)
	}
	if fs := figures(semantics.Verdict{}, Timeline{}); len(fs) != 0 {
		t.Errorf("an empty run has %d figures", len(fs))
	}
}
