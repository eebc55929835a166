package checkers_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waybill/checkers"
	"waybill/checkers/checkertest"
	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// inTransactions is a mode whose effects are output messages.
func inTransactions() semantics.Mode {
	return semantics.Mode{Name: "transactional", Promises: []semantics.Promise{
		{Stage: semantics.Stored, Guarantee: semantics.AtLeastOnce}, {Stage: semantics.Applied, Guarantee: semantics.ExactlyOnce, Atomic: true},
	}, Traits: semantics.Traits{Confirms: true, Acks: true, ConfirmsAcks: true, Scannable: true, Transactional: true}}
}

func txnScript() *script { return newScript(inTransactions()).begin(1, "final") }

// stored sends a message and has it acknowledged at its own number.
func (s *script) stored(ns ...uint64) *script {
	for _, n := range ns {
		s.send(n, 1).outcome(n, 1, history.Acked, int64(n))
	}
	return s
}

// openTxn delivers messages and begins a transaction over them.
func (s *script) openTxn(c history.Life, number uint64, ns ...uint64) *script {
	for _, n := range ns {
		s.deliver(c, n, int64(n))
	}
	s.add(c, history.Event{Kind: history.TxnBegin, Txn: number})
	for _, n := range ns {
		s.add(c, history.Event{Kind: history.TxnMember, Txn: number, Msg: msg(n), Pos: at(int64(n))})
	}
	return s
}

func (s *script) commit(c history.Life, number uint64) *script {
	return s.add(c, history.Event{Kind: history.TxnEnd, Txn: number, Flags: history.Commit})
}

func (s *script) ended(c history.Life, number uint64, st history.Status) *script {
	return s.add(c, history.Event{Kind: history.TxnOutcome, Txn: number, Status: st})
}

// out is an output message in the log.
type out struct {
	n, txn uint64
	by     history.Life
	hidden bool
}

// outputs reads outputs back.
func (s *script) outputs(ref uint64, outs ...out) *script {
	for i, o := range outs {
		e := history.Event{Kind: history.Readback, Ref: ref, Msg: msg(o.n), Count: 1, Txn: o.txn, Other: o.by, Pos: at(int64(i + 1))}
		if o.hidden {
			e.Flags = history.Invisible
		}
		s.add(inspect, e)
	}
	return s.add(inspect, history.Event{Kind: history.ReadbackEnd, Ref: ref, Status: history.OK})
}

func (s *script) scanned(ref uint64, copies ...uint64) *script {
	return s.scan(ref, "a", copies...).scan(ref, "b", copies...)
}

func TestTransactions(t *testing.T) {
	killed := history.Event{Kind: history.LifeEnd, Other: con, Reason: history.KilledByFault}
	for _, c := range []struct {
		name   string
		script *script
		found  map[string]int64
		result semantics.Result
		lost   semantics.Losses
	}{
		{"a committed transaction whose outputs are all visible is fine", txnScript().stored(1, 2).openTxn(con, 1, 1, 2).commit(con, 1).ended(con, 1, history.OK).
			scanned(1, 1, 2).outputs(1, out{n: 1, txn: 1, by: con}, out{n: 2, txn: 1, by: con}).end(1), nil, semantics.Kept, semantics.Losses{}},
		{"an aborted one whose outputs nobody sees is fine, once another one has its inputs", txnScript().stored(1).openTxn(con, 1, 1).ended(con, 1, history.Aborted).
			openTxn(other, 1, 1).commit(other, 1).ended(other, 1, history.OK).scanned(1, 1).
			outputs(1, out{n: 1, txn: 1, by: con, hidden: true}, out{n: 1, txn: 1, by: other}).end(1), nil, semantics.Kept, semantics.Losses{}},
		{"one of unknown end may have committed", txnScript().stored(1, 2).openTxn(con, 1, 1, 2).commit(con, 1).ended(con, 1, history.Unknown).
			scanned(1, 1, 2).outputs(1, out{n: 1, txn: 1, by: con}, out{n: 2, txn: 1, by: con}).end(1), nil, semantics.Kept, semantics.Losses{}},
		{"one that was fenced while its commit was on its way may have committed", txnScript().stored(1).openTxn(con, 1, 1).commit(con, 1).ended(con, 1, history.Fenced).
			scanned(1, 1).outputs(1, out{n: 1, txn: 1, by: con}).end(1), nil, semantics.Kept, semantics.Losses{}},
		{"one of unknown end may have aborted", txnScript().stored(1).openTxn(con, 1, 1).commit(con, 1).ended(con, 1, history.Unknown).
			openTxn(other, 1, 1).commit(other, 1).ended(other, 1, history.OK).scanned(1, 1).
			outputs(1, out{n: 1, txn: 1, by: con, hidden: true}, out{n: 1, txn: 1, by: other}).end(1), nil, semantics.Kept, semantics.Losses{}},
		{"half of a committed one is torn, and the other half lost, which is said once", txnScript().stored(1, 2, 3).openTxn(con, 1, 1, 2, 3).commit(con, 1).ended(con, 1, history.OK).
			scanned(1, 1, 2, 3).outputs(1, out{n: 1, txn: 1, by: con}, out{n: 3, txn: 1, by: con}).end(1),
			map[string]int64{"torn": 1}, semantics.Broken, semantics.Losses{InEffect: 1}},
		{"half of one of unknown end is torn, though its inputs were processed again", txnScript().stored(1, 2).openTxn(con, 1, 1, 2).commit(con, 1).ended(con, 1, history.Unknown).
			openTxn(other, 1, 2).commit(other, 1).ended(other, 1, history.OK).scanned(1, 1, 2).
			outputs(1, out{n: 1, txn: 1, by: con}, out{n: 2, txn: 1, by: other}).end(1),
			map[string]int64{"torn": 1}, semantics.Broken, semantics.Losses{}},
		{"outputs committed without their inputs are processed again: a duplicate effect", txnScript().stored(1).openTxn(con, 1, 1).commit(con, 1).ended(con, 1, history.OK).
			openTxn(other, 1, 1).commit(other, 1).ended(other, 1, history.OK).scanned(1, 1).
			outputs(1, out{n: 1, txn: 1, by: con}, out{n: 1, txn: 1, by: other}).end(1),
			map[string]int64{"duplicate effect": 1}, semantics.Broken, semantics.Losses{}},
		{"a committed one of which nothing is visible is lost in the effect store", txnScript().stored(1, 2).openTxn(con, 1, 1, 2).commit(con, 1).ended(con, 1, history.OK).
			scanned(1, 1, 2).outputs(1).end(1),
			map[string]int64{"lost: in effect store": 2}, semantics.Broken, semantics.Losses{InEffect: 2}},
		{"one of unknown end of which nothing is visible, and whose inputs nobody got again, is lost in delivery", txnScript().stored(1).openTxn(con, 1, 1).commit(con, 1).
			add(con, history.Event{Kind: history.AckCalled, Txn: 1, Msg: msg(1), Pos: at(1)}).ended(con, 1, history.Unknown).scanned(1, 1).outputs(1).end(1),
			map[string]int64{"lost: in delivery": 1}, semantics.Broken, semantics.Losses{InDelivery: 1}},
		{"an aborted write that is visible is resurrected", txnScript().stored(1).openTxn(con, 1, 1).ended(con, 1, history.Aborted).scanned(1, 1).
			outputs(1, out{n: 1, txn: 1, by: con}).end(1), map[string]int64{"resurrected": 1}, semantics.Broken, semantics.Losses{}},
		{"though its commit had been called before the broker said that it aborted", txnScript().stored(1).openTxn(con, 1, 1).commit(con, 1).ended(con, 1, history.Aborted).
			scanned(1, 1).outputs(1, out{n: 1, txn: 1, by: con}).end(1), map[string]int64{"resurrected": 1}, semantics.Broken, semantics.Losses{}},
		{"half of one of unknown end that becomes visible at a later checkpoint is torn", txnScript().send(1, 1).outcome(1, 1, history.Unknown, 0).
			send(2, 1).outcome(2, 1, history.Unknown, 0).openTxn(con, 1, 1, 2).commit(con, 1).ended(con, 1, history.Unknown).scanned(1, 1, 2).outputs(1).end(1).
			begin(2, "final").scanned(2, 1, 2).outputs(2, out{n: 1, txn: 1, by: con}).end(2), map[string]int64{"torn": 1}, semantics.Broken, semantics.Losses{}},
		{"an output that was no member makes the others no torn ones", txnScript().stored(1, 2).openTxn(con, 1, 1).commit(con, 1).ended(con, 1, history.Unknown).
			openTxn(other, 1, 1).commit(other, 1).ended(other, 1, history.OK).scanned(1, 1, 2).
			outputs(1, out{n: 2, txn: 1, by: con}, out{n: 1, txn: 1, by: other}).end(1), nil, semantics.Kept, semantics.Losses{}},
		{"so is one that becomes visible later", txnScript().stored(1).openTxn(con, 1, 1).ended(con, 1, history.Aborted).
			openTxn(other, 1, 1).commit(other, 1).ended(other, 1, history.OK).scanned(1, 1).outputs(1, out{n: 1, txn: 1, by: other}).end(1).
			begin(2, "final").scanned(2, 1).outputs(2, out{n: 1, txn: 1, by: con}).end(2), map[string]int64{"resurrected": 1}, semantics.Broken, semantics.Losses{}},
		{"so is what a processor wrote that was killed before it called the commit", txnScript().stored(1).openTxn(con, 1, 1).add(ctl, killed).scanned(1, 1).
			outputs(1, out{n: 1, txn: 1, by: con}).end(1), map[string]int64{"resurrected": 1}, semantics.Broken, semantics.Losses{}},
		{"and half of it is no torn transaction as well", txnScript().stored(1, 2).openTxn(con, 1, 1, 2).add(ctl, killed).
			openTxn(other, 1, 2).commit(other, 1).ended(other, 1, history.OK).scanned(1, 1, 2).
			outputs(1, out{n: 1, txn: 1, by: con}, out{n: 2, txn: 1, by: other}).end(1), map[string]int64{"resurrected": 1}, semantics.Broken, semantics.Losses{}},
		{"and if that becomes visible later", txnScript().stored(1).openTxn(con, 1, 1).add(ctl, killed).
			openTxn(other, 1, 1).commit(other, 1).ended(other, 1, history.OK).scanned(1, 1).outputs(1, out{n: 1, txn: 1, by: other}).end(1).
			begin(2, "final").scanned(2, 1).outputs(2, out{n: 1, txn: 1, by: con}).end(2), map[string]int64{"resurrected": 1}, semantics.Broken, semantics.Losses{}},
		{"what it wrote that was killed after it called the commit is not", txnScript().stored(1).openTxn(con, 1, 1).commit(con, 1).add(ctl, killed).scanned(1, 1).
			outputs(1, out{n: 1, txn: 1, by: con}).end(1), nil, semantics.Kept, semantics.Losses{}},
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
			if d := cmp.Diff(c.lost, v.Lanes[0].Ledger.Lost); d != "" {
				t.Errorf("lost (-want +got):\n%s", d)
			}
		})
	}
}

func TestATornTransactionIsNotJudgedBeforeTheDrain(t *testing.T) {
	s := txnScript().stored(1, 2).openTxn(con, 1, 1, 2).commit(con, 1).ended(con, 1, history.OK).scanned(1, 1, 2).outputs(1, out{n: 1, txn: 1, by: con})
	s.add(ctl, history.Event{Kind: history.CheckpointEnd, Ref: 1, Status: history.Failed, Text: "a transaction is open"})
	if got := anomalies(s.audit(t)); len(got) > 0 {
		t.Errorf("found %v", got)
	}
}

func TestAnUncalledCommitRestsOnTheProcessorsWholeSegment(t *testing.T) {
	s := txnScript().stored(1).openTxn(con, 1, 1).scanned(1, 1).outputs(1, out{n: 1, txn: 1, by: con}).end(1)
	if got := anomalies(s.audit(t)); got["resurrected"] != 1 {
		t.Fatalf("found %v", got)
	}
	s.segments[2].Cut = "its end"
	if got := anomalies(s.audit(t)); got["resurrected"] != 0 {
		t.Errorf("found %v, though the commit may have been recorded in what is missing", got)
	}
}

func TestATransactionThatIsSettledIsForgotten(t *testing.T) {
	h := checkertest.Generate(5, checkertest.Options{Modes: checkertest.LogModes(), Partitions: 3, Messages: 40})
	all, unclear := 0, 0
	for _, e := range h.Events {
		switch {
		case e.Kind == history.TxnBegin:
			all++
			unclear++
		case e.Kind == history.TxnOutcome && (e.Status == history.OK || e.Status == history.Aborted):
			unclear--
		}
	}
	kept, err := checkers.Unsettled(context.Background(), h.Input())
	if err != nil {
		t.Fatal(err)
	}
	if all < 100 || kept > unclear {
		t.Errorf("%d of %d transactions are still held at the end, of which the end of %d is not known", kept, all, unclear)
	}
}

func TestWhatTransactionsMustHaveShown(t *testing.T) {
	strike := func(s *script, victim history.Life, during func()) *script {
		s.add(ctl, history.Event{Kind: history.FaultInject, Ref: 1})
		if victim > 0 {
			s.add(ctl, history.Event{Kind: history.FaultVictim, Ref: 1, Other: victim})
		}
		s.add(ctl, history.Event{Kind: history.FaultInjected, Ref: 1}).add(ctl, history.Event{Kind: history.FaultObserved, Ref: 1, Status: history.OK})
		during()
		return s.add(ctl, history.Event{Kind: history.FaultRecover, Ref: 1}).add(ctl, history.Event{Kind: history.FaultVerified, Ref: 1, Status: history.OK}).
			add(ctl, history.Event{Kind: history.ServiceHealed, Ref: 1, Status: history.OK})
	}
	again := func(s *script) { s.openTxn(other, 1, 1).commit(other, 1).ended(other, 1, history.OK) }
	mine := out{n: 1, txn: 1, by: con, hidden: true}
	yours := out{n: 1, txn: 1, by: other}
	for _, c := range []struct {
		name   string
		fault  string
		victim history.Life
		before func(s *script)
		during func(s *script)
		outs   []out
		why    string // "": kept
	}{
		{"one open at the strike, which aborted", "kill-broker", 0, func(s *script) { s.openTxn(con, 1, 1) },
			func(s *script) { s.ended(con, 1, history.Aborted); again(s) }, []out{mine, yours}, ""},
		{"one open at the strike, and none that failed", "kill-broker", 0, func(s *script) { s.openTxn(con, 1, 1) },
			func(s *script) { s.commit(con, 1).ended(con, 1, history.OK) }, []out{{n: 1, txn: 1, by: con}}, "no transactions aborted, fenced or of unknown end"},
		{"one begun while a fault that lasts is at work", "cut-clients", 0, nothing,
			func(s *script) { s.openTxn(con, 1, 1).ended(con, 1, history.Aborted); again(s) }, []out{mine, yours}, ""},
		{"one begun after a kill", "kill-broker", 0, nothing,
			func(s *script) { s.openTxn(con, 1, 1).ended(con, 1, history.Aborted); again(s) }, []out{mine, yours}, "no transactions open during the strike"},
		{"none open at the strike", "kill-broker", 0, func(s *script) { s.openTxn(con, 1, 1).ended(con, 1, history.Aborted) },
			func(s *script) { again(s) }, []out{mine, yours}, "no transactions open during the strike"},
		{"the victim's, and others got its inputs", "kill-consumer", con, func(s *script) { s.openTxn(con, 1, 1) },
			func(s *script) {
				s.add(ctl, history.Event{Kind: history.LifeEnd, Ref: 1, Other: con, Reason: history.KilledByFault})
				again(s)
			}, []out{mine, yours}, ""},
		{"the victim's, whose commit was called and not answered", "kill-consumer", con, func(s *script) {
			s.openTxn(con, 1, 1).add(con, history.Event{Kind: history.AckCalled, Txn: 1, Msg: msg(1), Pos: at(1)}).commit(con, 1)
		}, func(s *script) {
			s.add(ctl, history.Event{Kind: history.LifeEnd, Ref: 1, Other: con, Reason: history.KilledByFault})
			again(s)
		}, []out{mine, yours}, ""},
		{"another's, not the victim's", "kill-consumer", con, func(s *script) { s.send(2, 1).openTxn(other, 1, 1).deliver(con, 2, 2) },
			func(s *script) { s.commit(other, 1).ended(other, 1, history.OK).deliver(other, 2, 2) }, []out{yours}, "no transactions open at the victim when struck"},
		{"a paused one that wakes to find itself fenced", "pause-consumer", con, func(s *script) { s.openTxn(con, 1, 1) },
			func(s *script) {
				again(s)
				s.add(ctl, history.Event{Kind: history.FaultRecover, Ref: 1})
				s.add(con, history.Event{Kind: history.AckCalled, Msg: msg(1), Pos: at(1), Txn: 1}).commit(con, 1).ended(con, 1, history.Fenced)
			}, []out{mine, yours}, ""},
		{"a paused one that never tries again", "pause-consumer", con, func(s *script) { s.openTxn(con, 1, 1) }, again,
			[]out{mine, yours}, "no late attempts"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScript(inTransactions()).begin(1, c.fault).stored(1)
			c.before(s)
			s.send(3, 1) // on its way
			strike(s, c.victim, func() { c.during(s) })
			s.outcome(3, 1, history.Acked, 3).openTxn(other, 9, 3).commit(other, 9).ended(other, 9, history.OK)
			s.schedule = experiment.Schedule{Episodes: []experiment.Episode{{Number: 1, Fault: c.fault}}}
			v := s.scanned(1, 1, 0, 3).outputs(1, append(c.outs, out{n: 3, txn: 9, by: other})...).end(1).audit(t)
			got := cell(t, v, semantics.Applied, 1)
			switch {
			case c.why == "" && got.Result != semantics.Kept, c.why != "" && (got.Result != semantics.Inconclusive || !strings.Contains(got.Why, c.why)):
				t.Errorf("%s, %q; want %q\n%+v", got.Result, got.Why, c.why, v.Findings)
			}
		})
	}
}

func TestATransactionThatGotAwayBeforeItWasStruckHeldNothing(t *testing.T) {
	s := newScript(inTransactions()).begin(1, "kill-consumer").stored(1).openTxn(con, 1, 1)
	s.add(ctl, history.Event{Kind: history.FaultInject, Ref: 1}).add(ctl, history.Event{Kind: history.FaultVictim, Ref: 1, Other: con})
	s.commit(con, 1).ended(con, 1, history.OK)
	s.add(ctl, history.Event{Kind: history.LifeEnd, Ref: 1, Other: con, Reason: history.KilledByFault}).add(ctl, history.Event{Kind: history.FaultInjected, Ref: 1})
	s.schedule = experiment.Schedule{Episodes: []experiment.Episode{{Number: 1, Fault: "kill-consumer"}}}
	v := s.scanned(1, 1).outputs(1, out{n: 1, txn: 1, by: con}).end(1).audit(t)
	for _, e := range cell(t, v, semantics.Applied, 1).Exposure {
		if e.What == "deliveries held unacknowledged when struck" && e.Seen != 0 {
			t.Errorf("%d %s", e.Seen, e.What)
		}
	}
}
