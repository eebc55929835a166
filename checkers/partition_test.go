package checkers_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// where is a position in a partition, with the epoch in which it was written.
func where(partition uint32, offset int64, epoch uint64) history.Position {
	return history.Position{Partition: partition, Offset: offset, Epoch: epoch}
}

// placed is the ordinary life of a message at a position.
func (s *script) placed(n uint64, p history.Position) *script {
	s.send(n, 1)
	p.Epoch = 0 // a confirmation does not name it
	s.add(prod, history.Event{Kind: history.Outcome, Msg: msg(n), Attempt: 1, Status: history.Acked, Pos: p})
	s.add(con, history.Event{Kind: history.Receive, Call: n}).add(con, history.Event{Kind: history.Delivery, Msg: msg(n), Pos: p, Call: n})
	return s.apply(con, n).add(con, history.Event{Kind: history.AckCalled, Msg: msg(n), Pos: p}).
		add(con, history.Event{Kind: history.AckOutcome, Msg: msg(n), Pos: p, Status: history.Confirmed})
}

// part is a partition of a scan: the range, and the messages in it.
type part struct {
	from, to int64
	copies   map[int64]uint64
	epoch    uint64
}

// partitions scans partitions 0, 1, ... on one replica.
func (s *script) partitions(ref uint64, replica string, parts ...part) *script {
	s.tag++
	for i, p := range parts {
		s.add(inspect, history.Event{Kind: history.ScanBegin, Ref: ref, Tag: s.tag, Name: replica, From: p.from, To: p.to, Pos: where(uint32(i), 0, p.epoch)})
	}
	for i, p := range parts {
		for o := p.from; o <= p.to; o++ {
			if n := p.copies[o]; n > 0 {
				s.add(inspect, history.Event{Kind: history.Copy, Tag: s.tag, Msg: msg(n), Pos: where(uint32(i), o, p.epoch)})
			}
		}
	}
	return s.add(inspect, history.Event{Kind: history.ScanEnd, Ref: ref, Tag: s.tag, Status: history.OK})
}

// stutter is a scan that reads one position twice.
func (s *script) stutter(ref uint64, replica string, p history.Position, n uint64) *script {
	s.tag++
	s.add(inspect, history.Event{Kind: history.ScanBegin, Ref: ref, Tag: s.tag, Name: replica, From: p.Offset, To: p.Offset, Pos: p})
	for range 2 {
		s.add(inspect, history.Event{Kind: history.Copy, Tag: s.tag, Msg: msg(n), Pos: p})
	}
	return s.add(inspect, history.Event{Kind: history.ScanEnd, Ref: ref, Tag: s.tag, Status: history.OK})
}

// twice scans two replicas that hold the same.
func (s *script) twice(ref uint64, parts ...part) *script {
	return s.partitions(ref, "a", parts...).partitions(ref, "b", parts...)
}

func TestPartitions(t *testing.T) {
	full := func(copies map[int64]uint64) part { return part{1, int64(len(copies)), copies, 1} }
	for _, c := range []struct {
		name   string
		script *script
		found  map[string]int64
		result semantics.Result
	}{
		{"one offset in two partitions is two positions", newScript(exactlyOnce()).begin(1, "final").placed(1, where(0, 1, 1)).placed(2, where(1, 1, 1)).
			twice(1, full(map[int64]uint64{1: 1}), full(map[int64]uint64{1: 2})).readback(1, 1, 2).end(1), nil, semantics.Kept},
		{"a confirmation that names the right offset of another partition is misplaced", newScript(exactlyOnce()).begin(1, "final").placed(1, where(1, 1, 1)).placed(2, where(1, 2, 1)).
			twice(1, full(map[int64]uint64{1: 1}), part{1, 2, map[int64]uint64{2: 2}, 1}).readback(1, 1, 2).end(1), map[string]int64{"misplaced": 1}, semantics.Broken},
		{"a position beyond the range of its own partition says nothing, whatever the others' ranges", newScript(exactlyOnce()).begin(1, "final").placed(1, where(0, 1, 1)).
			send(2, 1).add(prod, history.Event{Kind: history.Outcome, Msg: msg(2), Attempt: 1, Status: history.Acked, Pos: where(0, 2, 0)}).
			twice(1, full(map[int64]uint64{1: 1}), part{1, 9, nil, 1}).readback(1, 1).end(1), map[string]int64{"lost: not accepted": 1}, semantics.Broken},
		{"and within it that the message vanished", newScript(exactlyOnce()).begin(1, "final").placed(1, where(0, 1, 1)).
			send(2, 1).add(prod, history.Event{Kind: history.Outcome, Msg: msg(2), Attempt: 1, Status: history.Acked, Pos: where(1, 2, 0)}).
			twice(1, full(map[int64]uint64{1: 1}), part{1, 9, nil, 1}).readback(1, 1).end(1), map[string]int64{"lost: vanished": 1}, semantics.Broken},
		{"copies in two partitions are duplicates, though each partition is in order", newScript(exactlyOnce()).begin(1, "final").placed(1, where(1, 1, 1)).
			twice(1, full(map[int64]uint64{1: 1}), full(map[int64]uint64{1: 1})).readback(1, 1).end(1), map[string]int64{"duplicate in store": 1}, semantics.Broken},
		{"partitions that are read one after the other are no scan that went back", newScript(exactlyOnce()).begin(1, "final").placed(1, where(0, 1, 1)).placed(2, where(0, 2, 1)).
			placed(3, where(1, 1, 1)).twice(1, full(map[int64]uint64{1: 1, 2: 2}), full(map[int64]uint64{1: 3})).readback(1, 1, 2, 3).end(1), nil, semantics.Kept},
		{"a position of a later partition that is read twice is no duplicate", newScript(exactlyOnce()).begin(1, "final").placed(1, where(1, 1, 1)).
			stutter(1, "a", where(1, 1, 1), 1).stutter(1, "b", where(1, 1, 1), 1).readback(1, 1).end(1), nil, semantics.Kept},
		{"scans of which one read less of one partition are not equal", newScript(exactlyOnce()).begin(1, "final").placed(1, where(0, 1, 1)).
			partitions(1, "a", full(map[int64]uint64{1: 1}), part{1, 4, nil, 1}).partitions(1, "b", full(map[int64]uint64{1: 1}), part{1, 3, nil, 1}).
			readback(1, 1).end(1), nil, semantics.Inconclusive},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := c.script.audit(t)
			want := c.found
			if want == nil {
				want = map[string]int64{}
			}
			if d := cmp.Diff(want, anomalies(v)); d != "" {
				t.Errorf("findings (-want +got):\n%s", d)
			}
			if v.Result != c.result {
				t.Errorf("%s, want %s: %+v", v.Result, c.result, v.Lanes[0].Cells)
			}
		})
	}
}

func TestAReusedPositionIsToldWithTheLossThatCausedIt(t *testing.T) {
	base := func() *script {
		return newScript(exactlyOnce()).begin(1, "final").placed(1, where(1, 1, 0)).send(2, 1).
			add(prod, history.Event{Kind: history.Outcome, Msg: msg(2), Attempt: 1, Status: history.Acked, Pos: where(1, 2, 0)})
	}
	after := func(epoch uint64) *script {
		return base().send(3, 1).outcome(3, 1, history.Unknown, 0).twice(1, part{}, part{1, 2, map[int64]uint64{1: 1, 2: 3}, epoch}).readback(1, 1).end(1)
	}
	for _, c := range []struct {
		name   string
		script *script
		detail string
	}{
		{"in another epoch, by what the confirmation says", after(5),
			"position 2 of partition 1, where wb1-testtest-00002-0000000002 was, was reused by wb1-testtest-00002-0000000003, epoch 5 (the epoch of the confirmation is not known)"},
		{"without epochs", after(0), "(epochs are not known)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := c.script.audit(t)
			if d := cmp.Diff(map[string]int64{"lost: vanished": 1}, anomalies(v)); d != "" {
				t.Fatalf("findings (-want +got):\n%s", d)
			}
			if !strings.Contains(v.Findings[0].Detail, c.detail) {
				t.Errorf("detail %q, want %q", v.Findings[0].Detail, c.detail)
			}
		})
	}
}

func TestAVanishedMessageWhosePositionHoldsAnotherOne(t *testing.T) {
	for _, c := range []struct {
		name          string
		before, after uint64 // epochs
		detail        string
		inconsistent  int64
	}{
		{"of a later epoch was cut back", 3, 5, "epoch 5 (before: epoch 3)", 0},
		{"of the same epoch contradicts itself", 3, 3, "epoch 3 (before: epoch 3)", 1},
		{"of no known epoch is merely told", 0, 0, "(epochs are not known)", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScript(exactlyOnce()).begin(1, "final").placed(1, where(1, 1, 0)).placed(2, where(1, 2, 0)).
				twice(1, part{}, part{1, 2, map[int64]uint64{1: 1, 2: 2}, c.before}).readback(1, 1, 2).end(1).
				begin(2, "final").send(3, 1).outcome(3, 1, history.Unknown, 0).
				twice(2, part{}, part{1, 2, map[int64]uint64{1: 1, 2: 3}, c.after}).readback(2, 1, 2).end(2)
			v := s.audit(t)
			if got := anomalies(v); got["vanished"] != 1 || got["inconsistent position"] != c.inconsistent {
				t.Errorf("found %v", got)
			}
			for _, f := range v.Findings {
				if f.Anomaly == "vanished" && !strings.Contains(f.Detail, c.detail) {
					t.Errorf("detail %q, want %q", f.Detail, c.detail)
				}
			}
		})
	}
}

func TestANewLeaderOfOnePartitionIsEnough(t *testing.T) {
	for name, c := range map[string]struct {
		leaders []history.Event // after the strike
		want    int64
	}{
		"one of two partitions":     {[]history.Event{{Pos: where(1, 0, 2), Name: "n2"}}, 1},
		"both":                      {[]history.Event{{Pos: where(0, 0, 2), Name: "n2"}, {Pos: where(1, 0, 2), Name: "n2"}}, 2},
		"the same ones, told again": {[]history.Event{{Pos: where(0, 0, 1), Name: "n1"}, {Pos: where(1, 0, 1), Name: "n3"}}, 0},
	} {
		m := exactlyOnce()
		m.Traits.Leader = true
		s := newScript(m)
		for i, node := range []string{"n1", "n3"} {
			s.add(ctl, history.Event{Kind: history.Leader, Name: node, Text: "queue", Pos: where(uint32(i), 0, 1)})
		}
		s.begin(1, "kill-leader").whole(1).add(ctl, history.Event{Kind: history.FaultInject, Ref: 1}).add(ctl, history.Event{Kind: history.FaultInjected, Ref: 1})
		for _, e := range c.leaders {
			e.Kind, e.Text = history.Leader, "queue"
			s.add(ctl, e)
		}
		s.schedule = experiment.Schedule{Episodes: []experiment.Episode{{Number: 1, Fault: "kill-leader"}}}
		v := s.close(1, ids(1), ids(1)).audit(t)
		for _, e := range cell(t, v, semantics.Stored, 1).Exposure {
			if e.What == "new leaders of the queue" && e.Seen != c.want {
				t.Errorf("%s: %d new leaders, want %d", name, e.Seen, c.want)
			}
		}
	}
}
