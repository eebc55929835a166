package results

import (
	"errors"
	"iter"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/results/plot"
)

func twoLanes() experiment.Experiment {
	return experiment.Experiment{Lanes: []experiment.Lane{{Name: "a"}, {Name: "b"}}}
}

func read(t *testing.T, h history.Memory) Timeline {
	t.Helper()
	tl, err := ReadTimeline(h, twoLanes())
	if err != nil {
		t.Fatal(err)
	}
	return tl
}

func TestEventsAreCountedInTheirLaneAndBin(t *testing.T) {
	m, n := history.Msg{Life: 1, Seq: 1}, history.Msg{Life: 1, Seq: 2}
	tl := read(t, history.Memory{
		{Time: 1_000_000, Kind: history.PhaseBegin},
		{Time: 1_260_000, Kind: history.Send, Lane: 1, Msg: m, Attempt: 1, Intended: 1_240_000},
		{Time: 1_300_000, Kind: history.Outcome, Lane: 1, Msg: m, Attempt: 1, Status: history.Unknown, Reason: history.Timeout},
		{Time: 1_400_000, Kind: history.Send, Lane: 1, Msg: m, Attempt: 2},
		{Time: 1_500_000, Kind: history.Outcome, Lane: 1, Msg: m, Attempt: 2, Status: history.Acked},
		{Time: 1_600_000, Kind: history.Delivery, Lane: 1, Msg: m},
		{Time: 1_700_000, Kind: history.ApplyEnd, Lane: 1, Msg: m, Status: history.OK},
		{Time: 1_800_000, Kind: history.Delivery, Lane: 1, Msg: m},
		{Time: 1_900_000, Kind: history.ApplyEnd, Lane: 1, Msg: m, Status: history.DedupHit},
		{Time: 1_950_000, Kind: history.Send, Lane: 0, Msg: n, Attempt: 1, Intended: 1_950_000},
		{Time: 2_000_000, Kind: history.Send, Lane: 9, Msg: n, Attempt: 1, Intended: 1_950_000},
	})
	want := LaneTimeline{
		Name: "b", Sent: []int64{1, 0, 0, 0, 0}, Acked: []int64{0, 0, 1, 0, 0}, Delivered: []int64{0, 0, 1, 1, 0}, Applied: []int64{0, 0, 1, 0, 0},
	}
	got := tl.Lanes[1]
	ack, apply := got.TotalToAck, got.TotalToApply
	got.ToAck, got.ToApply, got.TotalToAck, got.TotalToApply = nil, nil, Quantiles{}, Quantiles{}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lane b (-want +got):\n%s", diff)
	}
	near := func(got Quantiles, want int64) bool {
		return got.N == 1 && got.P50 > want*98/100 && got.P50 < want*102/100
	}
	if !near(ack, 260_000) || !near(apply, 460_000) {
		t.Errorf("latency to ack %+v, to effect %+v: want 260 ms and 460 ms, from the intended instant, the first attempt's", ack, apply)
	}
	if got := sum(tl.Lanes[0].Sent); got != 1 {
		t.Errorf("lane a: %d sent, want 1", got)
	}
}

func TestLatencyLandsInTheBinOfItsCompletion(t *testing.T) {
	h := history.Memory{{Time: 10, Kind: history.PhaseBegin}}
	for i := range 4 {
		at := 10 + int64(i)*2*second
		m := history.Msg{Life: 1, Seq: uint64(i + 1)}
		h = append(h, history.Event{Time: at, Kind: history.Send, Msg: m, Attempt: 1, Intended: at},
			history.Event{Time: at + second, Kind: history.ApplyEnd, Msg: m, Status: history.OK})
	}
	l := read(t, h).Lanes[0]
	var ns []int64
	for _, q := range l.ToApply {
		ns = append(ns, q.N)
	}
	if diff := cmp.Diff([]int64{0, 1, 0, 1, 0, 1, 0, 1}, ns); diff != "" {
		t.Errorf("latencies by second (-want +got):\n%s", diff)
	}
}

func TestEpisodesCarryTheirMarks(t *testing.T) {
	tl := read(t, history.Memory{
		{Time: 1, Kind: history.CheckpointBegin, Ref: 7}, // of no episode
		{Time: 10, Kind: history.EpisodeBegin, Ref: 1, Name: "kill-leader"},
		{Time: 20, Kind: history.FaultInject, Ref: 1}, {Time: 30, Kind: history.FaultRecover, Ref: 1},
		{Time: 40, Kind: history.FaultInject, Ref: 1}, {Time: 50, Kind: history.FaultRecover, Ref: 1},
		{Time: 60, Kind: history.FaultVerified, Ref: 1},
		{Time: 70, Kind: history.CheckpointBegin, Ref: 1}, {Time: 80, Kind: history.CheckpointEnd, Ref: 1}, {Time: 85, Kind: history.CheckpointEnd, Ref: 1, Lane: 1},
		{Time: 90, Kind: history.EpisodeEnd, Ref: 1},
		{Time: 95, Kind: history.EpisodeBegin, Ref: 2, Name: "kill-all"}, {Time: 96, Kind: history.FaultInject, Ref: 2}, {Time: 99, Kind: history.Abort},
	})
	want := []EpisodeMarks{
		{Number: 1, Fault: "kill-leader", Begin: 10, Checkpoint: 70, CheckpointEnded: 85, End: 90, Strikes: []Strike{{20, 30, 0}, {40, 50, 60}}, Silent: make([]Silent, 2)},
		{Number: 2, Fault: "kill-all", Begin: 95, Strikes: []Strike{{96, 0, 0}}, Silent: make([]Silent, 2)},
	}
	if diff := cmp.Diff(want, tl.Episodes); diff != "" {
		t.Errorf("episodes (-want +got):\n%s", diff)
	}
	var phases []phase
	for _, e := range tl.Episodes {
		phases = append(phases, e.phases(tl.End)...)
	}
	if diff := cmp.Diff([]phase{{plot.Striking, 20, 30}, {plot.Healing, 30, 40}, {plot.Striking, 40, 50}, {plot.Healing, 50, 60}, {plot.Checkpoint, 70, 85}, {plot.Striking, 96, 99}},
		phases, cmp.AllowUnexported(phase{})); diff != "" {
		t.Errorf("shaded phases; a strike that was never recovered lasts to the end (-want +got):\n%s", diff)
	}
}

func TestAStampBeyondReasonIsAnErrorAndNotAllTheMemory(t *testing.T) {
	for _, at := range []int64{1 << 61, -1 << 61} {
		_, err := ReadTimeline(history.Memory{{Time: 5}, {Time: at, Segment: 3, Kind: history.Delivery}}, twoLanes())
		if !errors.Is(err, ErrTimeline) {
			t.Errorf("a stamp of %d: error %v, want %v", at, err, ErrTimeline)
		}
	}
	for _, intended := range []int64{-1 << 62, 60 * second} {
		tl := read(t, history.Memory{{Time: 5 * second}, {Time: 6 * second, Kind: history.Send, Attempt: 1, Intended: intended}})
		if got := len(tl.Lanes[0].Sent); got != 5 {
			t.Errorf("an intended instant of %d makes %d bins, want 5", intended, got)
		}
	}
}

type failing struct{ err error }

func (f failing) Events() iter.Seq2[*history.Event, error] {
	return func(yield func(*history.Event, error) bool) { yield(nil, f.err) }
}

func TestAnErrorOfTheHistoryEndsTheTimeline(t *testing.T) {
	want := errors.New("segment 4 is corrupt")
	if _, err := ReadTimeline(failing{want}, twoLanes()); !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func TestNothingIsLostBetweenBins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h history.Memory
		var want [4]int64
		at := int64(rapid.IntRange(0, 1<<40).Draw(t, "origin"))
		for i := range rapid.IntRange(0, 200).Draw(t, "events") {
			at += int64(rapid.IntRange(0, 700_000).Draw(t, "gap"))
			e := history.Event{Time: at, Msg: history.Msg{Life: 1, Seq: uint64(i / 2)}, Attempt: 1}
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0:
				e.Kind, e.Intended = history.Send, at-int64(rapid.IntRange(0, 3_000_000).Draw(t, "late"))
				want[0]++
			case 1:
				e.Kind, e.Status = history.Outcome, history.Acked
				want[1]++
			case 2:
				e.Kind = history.Delivery
				want[2]++
			case 3:
				e.Kind, e.Status = history.ApplyEnd, history.OK
				want[3]++
			}
			h = append(h, e)
		}
		tl, err := ReadTimeline(h, twoLanes())
		if err != nil {
			t.Fatal(err)
		}
		l := tl.Lanes[0]
		if got := [4]int64{sum(l.Sent), sum(l.Acked), sum(l.Delivered), sum(l.Applied)}; got != want {
			t.Fatalf("bins hold %v, the history %v", got, want)
		}
		for _, s := range [][]int64{l.Acked, l.Delivered, l.Applied, tl.Lanes[1].Sent} {
			if len(s) != len(l.Sent) {
				t.Fatalf("series of %d and %d bins", len(s), len(l.Sent))
			}
		}
		var n int64
		for _, q := range l.ToApply {
			n += q.N
		}
		if n != l.TotalToApply.N {
			t.Fatalf("latency bins hold %d, their total %d", n, l.TotalToApply.N)
		}
	})
}
