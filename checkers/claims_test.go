package checkers_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waybill/checkers"
	"waybill/checkers/checkertest"
	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

func ids(n ...uint64) []uint64 { return n }

func TestClaims(t *testing.T) {
	none := map[string]int64{}
	for _, c := range []struct {
		name   string
		script *script
		found  map[string]int64
		result semantics.Result
	}{
		{"a message that was sent, stored, delivered, applied and acknowledged is fine",
			newScript(exactlyOnce()).begin(1, "final").whole(1).close(1, ids(1), ids(1)), none, semantics.Kept},
		{"a send that timed out and was delivered once is not a duplicate",
			newScript(exactlyOnce()).begin(1, "final").whole(1).send(2, 1).outcome(2, 1, history.Unknown, 0).send(2, 2).outcome(2, 2, history.Acked, 2).
				deliver(con, 2, 2).apply(con, 2).ack(con, 2, 2).close(1, ids(1, 2), ids(1, 2)), none, semantics.Kept},
		{"a send that timed out and was stored by both attempts is a duplicate in store, but one effect is none",
			newScript(exactlyOnce()).begin(1, "final").whole(1).send(2, 1).outcome(2, 1, history.Unknown, 0).send(2, 2).outcome(2, 2, history.Acked, 3).
				deliver(con, 2, 2).apply(con, 2).ack(con, 2, 2).close(1, ids(1, 2, 2), ids(1, 2)), map[string]int64{"duplicate in store": 1}, semantics.Broken},
		{"an unknown send may appear nowhere",
			newScript(exactlyOnce()).begin(1, "final").whole(1).send(2, 1).outcome(2, 1, history.Unknown, 0).close(1, ids(1), ids(1)), none, semantics.Kept},
		{"a send without an outcome may appear once",
			newScript(exactlyOnce()).begin(1, "final").whole(1).send(2, 1).deliver(con, 2, 2).apply(con, 2).ack(con, 2, 2).close(1, ids(1, 2), ids(1, 2)), none, semantics.Kept},
		{"a message rejected once and then acknowledged is not resurrected",
			newScript(exactlyOnce()).begin(1, "final").send(1, 1).outcome(1, 1, history.Rejected, 0).send(1, 2).outcome(1, 2, history.Acked, 1).
				deliver(con, 1, 1).apply(con, 1).ack(con, 1, 1).close(1, ids(1), ids(1)), none, semantics.Kept},
		{"a message rejected once and unknown once is not resurrected",
			newScript(exactlyOnce()).begin(1, "final").whole(1).send(2, 1).outcome(2, 1, history.Unknown, 0).send(2, 2).outcome(2, 2, history.Rejected, 0).
				deliver(con, 2, 2).apply(con, 2).ack(con, 2, 2).close(1, ids(1, 2), ids(1, 2)), none, semantics.Kept},
		{"a late acknowledgement by a zombie is legal",
			newScript(exactlyOnce()).begin(1, "final").send(1, 1).outcome(1, 1, history.Acked, 1).deliver(con, 1, 1).deliver(other, 1, 1).
				apply(other, 1).ack(other, 1, 1).ack(con, 1, 1).close(1, ids(1), ids(1)), none, semantics.Kept},
		{"a redelivery before the acknowledgement is counted, not judged",
			newScript(exactlyOnce()).begin(1, "final").send(1, 1).outcome(1, 1, history.Acked, 1).deliver(con, 1, 1).deliver(other, 1, 1).deliver(con, 1, 1).
				apply(con, 1).ack(con, 1, 1).close(1, ids(1), ids(1)), none, semantics.Kept},
		{"a redelivery fetched by a call that began before the acknowledgement was confirmed is legal",
			newScript(exactlyOnce()).begin(1, "final").send(1, 1).outcome(1, 1, history.Acked, 1).deliver(con, 1, 1).apply(con, 1).
				add(other, history.Event{Kind: history.Receive, Call: 7}).ack(con, 1, 1).
				add(other, history.Event{Kind: history.Delivery, Msg: msg(1), Pos: at(1), Call: 7}).close(1, ids(1), ids(1)), none, semantics.Kept},
		{"a redelivery fetched by a call that began after it is not, and at least once permits it",
			newScript(exactlyOnce()).begin(1, "final").whole(1).deliver(other, 1, 1).close(1, ids(1), ids(1)), map[string]int64{"illegal redelivery": 1}, semantics.Kept},
		{"a duplicate confirmation names the earlier copy",
			newScript(exactlyOnce()).begin(1, "final").whole(1).whole(2).send(1, 2).outcome(1, 2, history.Acked, 1).close(1, ids(1, 2), ids(1, 2)), none, semantics.Kept},
		{"a duplicate confirmation that names another message's copy is misplaced",
			newScript(exactlyOnce()).begin(1, "final").whole(1).whole(2).send(1, 2).outcome(1, 2, history.Acked, 2).close(1, ids(1, 2), ids(1, 2)),
			map[string]int64{"misplaced": 1}, semantics.Broken},
		{"a third confirmation that names another position is misplaced",
			newScript(exactlyOnce()).begin(1, "final").whole(1).whole(2).send(1, 2).outcome(1, 2, history.Acked, 1).send(1, 3).outcome(1, 3, history.Acked, 2).
				close(1, ids(1, 2), ids(1, 2)), map[string]int64{"misplaced": 1}, semantics.Broken},
		{"messages in flight together have no order to keep",
			newScript(exactlyOnce()).begin(1, "final").send(1, 1).send(2, 1).outcome(1, 1, history.Acked, 2).outcome(2, 1, history.Acked, 1).
				deliver(con, 1, 2).apply(con, 1).ack(con, 1, 2).deliver(con, 2, 1).apply(con, 2).ack(con, 2, 1).close(1, ids(2, 1), ids(1, 2)), none, semantics.Kept},
		{"a message acknowledged behind one that was sent after its confirmation is reordered",
			newScript(exactlyOnce()).begin(1, "final").send(1, 1).outcome(1, 1, history.Acked, 2).send(2, 1).outcome(2, 1, history.Acked, 1).
				deliver(con, 1, 2).apply(con, 1).ack(con, 1, 2).deliver(con, 2, 1).apply(con, 2).ack(con, 2, 1).close(1, ids(2, 1), ids(1, 2)),
			map[string]int64{"reordered": 1}, semantics.Broken},
		{"a scan that reads one position twice finds no duplicate",
			newScript(exactlyOnce()).begin(1, "final").whole(1).scan(1, "a", 1).
				add(inspect, history.Event{Kind: history.ScanBegin, Ref: 1, Tag: 9, Name: "b", From: 1, To: 1}).
				add(inspect, history.Event{Kind: history.Copy, Tag: 9, Msg: msg(1), Pos: at(1)}).
				add(inspect, history.Event{Kind: history.Copy, Tag: 9, Msg: msg(1), Pos: at(1)}).
				add(inspect, history.Event{Kind: history.ScanEnd, Ref: 1, Tag: 9, Status: history.OK, From: 1, To: 1}).
				readback(1, 1).end(1), none, semantics.Inconclusive},
		{"a confirmed message that nobody ever saw was not accepted",
			newScript(exactlyOnce()).begin(1, "final").whole(1).send(2, 1).outcome(2, 1, history.Acked, 0).close(1, ids(1), ids(1)),
			map[string]int64{"lost: not accepted": 1}, semantics.Broken},
		{"a confirmed position beyond the end of the scan was not accepted either",
			newScript(exactlyOnce()).begin(1, "final").whole(1).send(2, 1).outcome(2, 1, history.Acked, 2).close(1, ids(1), ids(1)),
			map[string]int64{"lost: not accepted": 1}, semantics.Broken},
		{"a message absent at one checkpoint and applied by the next was unavailable, not lost",
			newScript(exactlyOnce()).begin(1, "final").whole(1).send(2, 1).outcome(2, 1, history.Acked, 2).close(1, ids(1, 2), ids(1)).
				begin(2, "final").deliver(con, 2, 2).apply(con, 2).ack(con, 2, 2).close(2, ids(1, 2), ids(1, 2)),
			map[string]int64{"unavailable": 1}, semantics.Broken},
		{"a copy that an acknowledgement removed has not vanished",
			newScript(consuming()).begin(1, "final").whole(1).close(1, nil, ids(1)), none, semantics.Kept},
		{"a copy that no acknowledgement removed has",
			newScript(consuming()).begin(1, "final").whole(1).send(2, 1).outcome(2, 1, history.Acked, 2).deliver(con, 2, 2).apply(con, 2).
				close(1, nil, ids(1, 2)), map[string]int64{"vanished": 1}, semantics.Broken},
		{"a rejection merged before its send, at one tick, still ends that attempt",
			newScript(exactlyOnce()).begin(1, "final").whole(1).outcome(2, 1, history.Rejected, 0).send(2, 1).close(1, ids(1, 2), ids(1)),
			map[string]int64{"resurrected": 1}, semantics.Broken},
		{"an attempt that was open when its producer ended may have succeeded",
			newScript(exactlyOnce()).begin(1, "final").whole(1).send(2, 1).outcome(2, 1, history.Rejected, 0).send(2, 2).
				add(ctl, history.Event{Kind: history.LifeEnd, Other: prod, Reason: history.KilledByFault}).close(1, ids(1, 2), ids(1)), none, semantics.Kept},
		{"an effect that one readback had and the next has not is lost in the effect store, though its application was never recorded",
			newScript(exactlyOnce()).begin(1, "final").whole(1).send(2, 1).outcome(2, 1, history.Acked, 2).deliver(con, 2, 2).ack(con, 2, 2).
				close(1, ids(1, 2), ids(1, 2)).begin(2, "final").close(2, ids(1, 2), ids(1)), map[string]int64{"lost: in effect store": 1}, semantics.Broken},
		{"a confirmed position before the scan's range is not misplaced",
			newScript(exactlyOnce()).begin(1, "final").whole(1).send(1, 2).outcome(1, 2, history.Acked, 2).trimmed(1, "a").trimmed(1, "b").readback(1, 1).end(1),
			none, semantics.Kept},
		{"an attempt that is still open may have succeeded",
			newScript(exactlyOnce()).begin(1, "final").whole(1).send(2, 1).outcome(2, 1, history.Rejected, 0).send(2, 2).
				close(1, ids(1, 2), ids(1)), none, semantics.Kept},
		{"a checkpoint without a readback does not judge by an older one",
			newScript(exactlyOnce()).begin(1, "final").whole(1).close(1, ids(1), ids(1)).begin(2, "final").whole(2).scan(2, "a", 1, 2).scan(2, "b", 1, 2).end(2),
			none, semantics.Inconclusive},
		{"a repeated readback is no second effect",
			newScript(exactlyOnce()).begin(1, "final").whole(1).readback(1, 1).close(1, ids(1), ids(1)), none, semantics.Kept},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := c.script.audit(t)
			if d := cmp.Diff(c.found, anomalies(v)); d != "" {
				t.Errorf("found (-want +got):\n%s", d)
			}
			if v.Result != c.result {
				t.Errorf("result %s, want %s: %+v", v.Result, c.result, v.Lanes[0].Cells)
			}
		})
	}
}

func consuming() semantics.Mode {
	m := exactlyOnce()
	m.Traits.Consumes = true
	return m
}

func TestTwoStampsOfOneTickHaveNoOrder(t *testing.T) {
	s := newScript(exactlyOnce()).begin(1, "final").send(1, 1).outcome(1, 1, history.Acked, 2)
	confirmed := s.events[len(s.events)-1].Time
	s.send(2, 1)
	s.events[len(s.events)-1].Time = confirmed
	s.outcome(2, 1, history.Acked, 1).deliver(con, 1, 2).apply(con, 1).ack(con, 1, 2).deliver(con, 2, 1).apply(con, 2).ack(con, 2, 1)
	v := s.close(1, ids(2, 1), ids(1, 2)).audit(t)
	if len(v.Findings) > 0 {
		t.Errorf("found %+v", v.Findings)
	}
}

func TestACheckpointThatIsMergedBeforeItsReadbackIsJudgedAfterIt(t *testing.T) {
	s := newScript(exactlyOnce()).begin(1, "final").whole(1).scan(1, "a", 1).scan(1, "b", 1).end(1)
	n := len(s.events)
	tick := s.events[n-2].Time
	s.readback(1, 1)
	ended := s.events[n-1]
	s.events = append(s.events[:n-1], s.events[n:]...)
	for i := n - 2; i < len(s.events); i++ {
		s.events[i].Time = tick
	}
	s.events = append(s.events, ended)
	s.events[len(s.events)-1].Time = tick + 10
	if v := s.audit(t); v.Result != semantics.Kept {
		t.Errorf("%s: %+v", v.Result, v.Lanes[0].Cells)
	}
}

func TestAPositionReadTwiceIsNotCountedTwice(t *testing.T) {
	s := newScript(exactlyOnce()).begin(1, "final").whole(1)
	s.add(inspect, history.Event{Kind: history.ScanBegin, Ref: 1, Tag: 9, Name: "b", From: 1, To: 1})
	for range 2 {
		s.add(inspect, history.Event{Kind: history.Copy, Tag: 9, Msg: msg(1), Pos: at(1)})
	}
	s.add(inspect, history.Event{Kind: history.ScanEnd, Ref: 1, Tag: 9, Status: history.OK, From: 1, To: 1})
	if g := s.readback(1, 1).end(1).audit(t).Lanes[0].Ledger; g.Stored != 1 || g.StoredTwice != 0 {
		t.Errorf("%+v", g)
	}
}

func TestAnEmptyRunIsInconclusive(t *testing.T) {
	v := audit(t, checkers.Input{Source: history.Memory{}, Experiment: experiment.Experiment{Lanes: []experiment.Lane{{Name: "lane", Mode: exactlyOnce()}}},
		Schedule: experiment.Schedule{Episodes: []experiment.Episode{{Number: 1, Fault: "kill-consumer"}}}})
	if v.Result != semantics.Inconclusive || v.ExitCode != 2 {
		t.Errorf("an empty history is %s, exit %d", v.Result, v.ExitCode)
	}
	if v := audit(t, checkers.Input{Source: history.Memory{}}); v.Result != semantics.Inconclusive {
		t.Errorf("nothing at all is %s", v.Result)
	}
}

func TestAnIdleRunIsInconclusive(t *testing.T) {
	v := newScript(exactlyOnce()).begin(1, "final").close(1, nil, nil).audit(t)
	c := cell(t, v, semantics.Applied, 1)
	if v.Result != semantics.Inconclusive || c.Why != "nothing was sent" {
		t.Errorf("%s, because %q", v.Result, c.Why)
	}
}

func TestAConsumerKilled100TimesWhileHoldingUnacknowledgedMessagesIsNoLoss(t *testing.T) {
	h := checkertest.Generate(1, checkertest.Options{Faults: []string{"kill-consumer"}, Strikes: 100})
	v := audit(t, h.Input())
	if w := wrong(v); len(w) > 0 {
		t.Fatal(w)
	}
	for _, l := range v.Lanes {
		if l.Mode == "core" {
			continue
		}
		for _, c := range l.Cells {
			if c.Episode == 1 && c.Stage == semantics.Applied && (len(c.Exposure) == 0 || c.Exposure[0].Seen < 100) {
				t.Errorf("%s reports %+v", l.Name, c.Exposure)
			}
		}
	}
	if n := v.Episodes[0].Strikes; n != 100 {
		t.Errorf("%d strikes", n)
	}
}

func TestAServiceThatDidNotComeBackIsNotExcusedByTheNextStrike(t *testing.T) {
	for name, heals := range map[string][]history.Status{
		"first":  {history.Failed, history.OK},
		"second": {history.OK, history.Failed},
	} {
		s := newScript(exactlyOnce()).begin(1, "kill-broker").whole(1)
		for _, status := range heals {
			s.add(ctl, history.Event{Kind: history.FaultInject, Ref: 1})
			s.add(ctl, history.Event{Kind: history.FaultRecover, Ref: 1})
			s.add(ctl, history.Event{Kind: history.FaultVerified, Ref: 1, Status: history.OK})
			s.add(ctl, history.Event{Kind: history.ServiceHealed, Ref: 1, Status: status})
		}
		s.schedule = experiment.Schedule{Episodes: []experiment.Episode{{Number: 1, Fault: "kill-broker"}}}
		v := s.close(1, ids(1), ids(1)).audit(t)
		if got := v.Episodes[0].Liveness["lane"]; got != semantics.Broken {
			t.Errorf("no service after the %s strike: liveness %s, want broken", name, got)
		}
	}
}

func TestABrokenCellIsNotMaskedByAnInconclusiveOne(t *testing.T) {
	s := newScript(exactlyOnce()).begin(1, "final").whole(1).
		add(con, history.Event{Kind: history.Starved, Count: 5_000_000}).close(1, ids(1, 1), ids(1))
	v := s.audit(t)
	if c := cell(t, v, semantics.Stored, 1); c.Result != semantics.Broken {
		t.Errorf("stored is %s", c.Result)
	}
	if c := cell(t, v, semantics.Applied, 1); c.Result != semantics.Inconclusive || !strings.Contains(c.Why, "stood still for 5s") {
		t.Errorf("applied is %s: %s", c.Result, c.Why)
	}
	if v.Result != semantics.Broken || v.ExitCode != 1 {
		t.Errorf("the run is %s, exit %d", v.Result, v.ExitCode)
	}
}

func TestWhatAVerdictRestsOn(t *testing.T) {
	fine := func() *script { return newScript(exactlyOnce()).begin(1, "final").whole(1) }
	lost := func() *script { return fine().send(2, 1).outcome(2, 1, history.Acked, 2).close(1, ids(1), ids(1)) }
	for _, c := range []struct {
		name   string
		script *script
		edit   func(*script)
		result semantics.Result
		why    string // in the cell for applied
	}{
		{"a whole history", fine().close(1, ids(1), ids(1)), func(*script) {}, semantics.Kept, ""},
		{"a cut segment of the lane is named", fine().close(1, ids(1), ids(1)), func(s *script) { s.segments[2].Cut = "12 bytes at 4096" }, semantics.Inconclusive, "consumer.wb"},
		{"a segment of a life that nobody killed needs its seal", fine().close(1, ids(1), ids(1)), func(s *script) { s.segments[0].Sealed = false }, semantics.Inconclusive, "controller.wb"},
		{"an absence that rests on a cut segment is not judged", lost(), func(s *script) { s.segments[2].Cut = "12 bytes" }, semantics.Inconclusive, "lost: not accepted (1), which rests on"},
		{"an absence in a whole history is", lost(), func(*script) {}, semantics.Broken, "lost: not accepted (1)"},
		{"a duplicate stands on a cut history", fine().close(1, ids(1, 1), ids(1)), func(s *script) { s.segments[2].Cut = "12 bytes" }, semantics.Broken, "rests on"},
		{"a run cut short", fine(), func(s *script) { s.add(ctl, history.Event{Kind: history.Abort, Text: "interrupted"}) }, semantics.Inconclusive, "the run ended before its checkpoint: interrupted"},
		{"a drain that is not proven", fine().scan(1, "a", 1).scan(1, "b", 1).readback(1, 1).add(ctl, history.Event{Kind: history.CheckpointEnd, Ref: 1, Status: history.Failed, Text: "2 pending"}),
			func(*script) {}, semantics.Inconclusive, "drain not proven: 2 pending"},
		{"effects that were not read back", fine().scan(1, "a", 1).scan(1, "b", 1).end(1), func(*script) {}, semantics.Inconclusive, "the effects were not read back"},
		{"a process that ended by itself", fine().close(1, ids(1), ids(1)), func(s *script) {
			s.add(ctl, history.Event{Kind: history.LifeEnd, Other: con, Reason: history.Crashed, Text: "panic"})
		}, semantics.Inconclusive, "ended by itself: panic"},
		{"an unsure clock", fine().close(1, ids(1), ids(1)), func(s *script) { s.add(con, history.Event{Kind: history.ClockCheck, Count: 2_000_000}) }, semantics.Inconclusive, "clock"},
		{"no two equal scans", fine().scan(1, "a", 1).readback(1, 1).end(1), func(*script) {}, semantics.Inconclusive, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.edit(c.script)
			v := c.script.audit(t)
			got := cell(t, v, semantics.Applied, 1)
			if v.Result != c.result || !strings.Contains(got.Why, c.why) {
				t.Errorf("%s, %q; want %s, %q", v.Result, got.Why, c.result, c.why)
			}
		})
	}
}

func TestAPhantomOfAProducerWhoseSegmentWasCutIsNotJudged(t *testing.T) {
	s := newScript(exactlyOnce()).begin(1, "final").whole(1).close(1, ids(1, 2), ids(1))
	if got := anomalies(s.audit(t)); got["phantom"] != 1 {
		t.Fatalf("found %v", got)
	}
	s.segments[1].Cut = "its end"
	if got := anomalies(s.audit(t)); got["phantom"] != 0 {
		t.Errorf("found %v", got)
	}
}

func TestAMessageAtAnAbsurdOffsetCostsNothing(t *testing.T) {
	s := newScript(exactlyOnce()).begin(1, "final").send(1, 1).outcome(1, 1, history.Acked, 1e12).deliver(con, 1, 1e12).apply(con, 1).ack(con, 1, 1e12)
	for i, replica := range []string{"a", "b"} {
		tag := uint64(i + 1)
		s.add(inspect, history.Event{Kind: history.ScanBegin, Ref: 1, Tag: tag, Name: replica, From: 1, To: 1e12}).
			add(inspect, history.Event{Kind: history.Copy, Tag: tag, Msg: msg(1), Pos: at(1e12)}).
			add(inspect, history.Event{Kind: history.ScanEnd, Ref: 1, Tag: tag, Status: history.OK, From: 1, To: 1e12})
	}
	s.readback(1, 1).end(1)
	in := s.input()
	got := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			if v := audit(b, in); v.Result != semantics.Kept {
				b.Fatal(v.Result)
			}
		}
	})
	if got.AllocedBytesPerOp() > 256<<10 {
		t.Errorf("%d bytes for one message", got.AllocedBytesPerOp())
	}
}

type broken struct{ err error }

func (b broken) Events() iter.Seq2[*history.Event, error] {
	return func(yield func(*history.Event, error) bool) { yield(nil, b.err) }
}

func TestAHistoryThatCannotBeReadIsAnError(t *testing.T) {
	want := errors.New("segment 3: bad checksum")
	if _, err := checkers.Audit(context.Background(), checkers.Input{Source: broken{want}}); !errors.Is(err, want) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := checkers.Audit(ctx, checkers.Input{Source: history.Memory{}}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	s := newScript(exactlyOnce()).add(prod, history.Event{Kind: history.Send, Msg: msg(1), Lane: 7})
	if _, err := checkers.Audit(context.Background(), s.input()); err == nil || !strings.Contains(err.Error(), "lane 7") {
		t.Errorf("got %v", err)
	}
}
