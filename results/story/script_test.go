package story_test

import (
	"iter"
	"slices"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/semantics"
	"waybill/results/story"
)

// script writes a history by hand: an event a millisecond, unless it says otherwise.
type script struct {
	h   history.Memory
	now int64
}

func (s *script) add(after int64, life history.Life, e history.Event) {
	s.now += after
	e.Time, e.Life = s.now, life
	s.h = append(s.h, e)
}

func at(partition uint32, offset int64, epoch uint64) history.Position {
	return history.Position{Partition: partition, Offset: offset, Epoch: epoch}
}

func msg(seq uint64) history.Msg { return history.Msg{Life: 4, Seq: seq} }

func (s *script) send(seq uint64, attempt uint32) {
	s.add(1000, 4, history.Event{Kind: history.Send, Msg: msg(seq), Attempt: attempt, Key: uint32(seq % 2), Session: 1})
}

func (s *script) acked(seq uint64, attempt uint32, pos history.Position) {
	s.add(400, 4, history.Event{Kind: history.Outcome, Msg: msg(seq), Attempt: attempt, Status: history.Acked, Origin: history.FromBroker, Pos: pos})
}

// scan reads a partition of two replicas and finds messages where they say they are.
func (s *script) scan(ref uint64, from, to int64, found map[history.Msg]history.Position) {
	for i, replica := range []string{"n1", "n3"} {
		tag := 10*ref + uint64(i)
		s.add(1000, 3, history.Event{Kind: history.ScanBegin, Ref: ref, Tag: tag, Name: replica, From: from, To: to})
		for m, pos := range found {
			s.add(0, 3, history.Event{Kind: history.Copy, Tag: tag, Msg: m, Attempt: 1, Pos: pos})
		}
		s.add(2000, 3, history.Event{Kind: history.ScanEnd, Ref: ref, Tag: tag, Name: replica, Status: history.OK, From: from, To: to})
	}
}

func (s *script) begin(fault string) {
	for life, who := range map[history.Life][2]string{2: {"n2", "broker"}, 3: {"inspector", "inspector"}, 4: {"orders-p1", "producer"}, 5: {"orders-c1", "consumer"}} {
		s.add(0, 1, history.Event{Kind: history.LifeStart, Other: life, Name: who[0], Text: who[1]})
	}
	s.add(1000, 1, history.Event{Kind: history.EpisodeBegin, Ref: 1, Name: fault})
	s.add(1000, 1, history.Event{Kind: history.Leader, Name: "n2", Text: "queue", Pos: at(0, 0, 1)})
}

func (s *script) strike(fault, victims string, hosts ...string) {
	s.add(1000, 1, history.Event{Kind: history.FaultInject, Ref: 1, Name: fault, Text: victims})
	for _, h := range hosts {
		s.add(10, 1, history.Event{Kind: history.FaultVictim, Ref: 1, Name: h})
	}
	s.add(100, 1, history.Event{Kind: history.FaultInjected, Ref: 1})
}

func (s *script) checkpoint() {
	s.add(1_000_000, 1, history.Event{Kind: history.FaultRecover, Ref: 1})
	s.add(50_000, 1, history.Event{Kind: history.FaultVerified, Ref: 1, Status: history.OK})
}

func (s *script) end(effects ...uint64) {
	for _, seq := range effects {
		s.add(10, 3, history.Event{Kind: history.Readback, Ref: 1, Msg: msg(seq), Count: 1})
	}
	s.add(1000, 3, history.Event{Kind: history.ReadbackEnd, Ref: 1, Status: history.OK})
	s.add(1000, 1, history.Event{Kind: history.CheckpointEnd, Ref: 1, Status: history.OK})
	s.add(1000, 1, history.Event{Kind: history.EpisodeEnd, Ref: 1})
}

// input is the script with a verdict as an audit would give it: one finding a line, of the messages given.
func (s *script) input(fault string, stage semantics.Stage, findings map[string][]history.Msg) (story.Input, func(int) iter.Seq[history.Msg]) {
	mode := semantics.Mode{Name: "orders", Promises: []semantics.Promise{{Stage: stage, Guarantee: semantics.ExactlyOnce, Scope: "a session of the producer",
		Source: semantics.Source{Quote: "Once a write is acknowledged it is kept, and kept once.", URL: "https://docs.example.test/promise", Version: "1.2"}}}}
	v := semantics.Verdict{Run: "testtest", Episodes: []semantics.Episode{{Number: 1, Fault: fault, Strikes: 1}}}
	of := map[int][]history.Msg{}
	var ids []int
	for _, anomaly := range sortedKeys(findings) {
		id := len(v.Findings) + 1
		of[id], ids = findings[anomaly], append(ids, id)
		f := semantics.Finding{ID: id, Lane: "orders", Anomaly: anomaly, Stage: stage, Episode: 1, Count: int64(len(of[id])), Breaks: true}
		for _, m := range of[id] {
			f.Tokens = append(f.Tokens, m.Prefix(v.Run))
		}
		v.Findings = append(v.Findings, f)
	}
	v.Lanes = []semantics.Lane{{Name: "orders", Mode: "orders", Cells: []semantics.Cell{{Episode: 1, Stage: stage, Result: semantics.Broken, Findings: ids}}}}
	return story.Input{Source: s.h, Experiment: experiment.Experiment{Run: v.Run, Lanes: []experiment.Lane{{Name: "orders", Mode: mode}}}, Verdict: v},
		func(id int) iter.Seq[history.Msg] { return slices.Values(of[id]) }
}

// cutBack is a log whose leader is killed, and whose last two of six acknowledged messages are gone after it: others lie where they
// were.
func cutBack() (story.Input, func(int) iter.Seq[history.Msg]) {
	s := &script{now: 5_000_000}
	s.begin("kill-leader")
	found := map[history.Msg]history.Position{}
	for seq := range uint64(6) {
		s.send(seq+1, 1)
		s.acked(seq+1, 1, at(0, int64(seq)+101, 0))
		found[msg(seq+1)] = at(0, int64(seq)+101, 1)
	}
	s.add(100, 5, history.Event{Kind: history.Receive, Call: 7})
	s.add(100, 5, history.Event{Kind: history.Delivery, Msg: msg(5), Attempt: 1, Pos: at(0, 105, 1), Call: 7})
	s.add(1, 5, history.Event{Kind: history.ApplyBegin, Msg: msg(5), Pos: at(0, 105, 1)})
	s.strike("kill-leader", "n2, leader of orders", "n2")
	s.add(30_000, 1, history.Event{Kind: history.LifeEnd, Other: 2, Reason: history.KilledByFault, Ref: 1})
	s.add(5000, 5, history.Event{Kind: history.ConnLost, Name: "10.0.0.2:9092", Text: "connection reset by peer"})
	s.add(400_000, 1, history.Event{Kind: history.Leader, Name: "n3", Text: "queue", Pos: at(0, 0, 2)})
	for seq := range uint64(3) {
		s.send(seq+7, 1)
		s.acked(seq+7, 1, at(0, int64(seq)+105, 0))
		found[msg(seq+7)] = at(0, int64(seq)+105, 2)
	}
	s.checkpoint()
	delete(found, msg(5))
	delete(found, msg(6))
	s.scan(1, 101, 107, found)
	s.end(1, 2, 3, 4, 7, 8, 9)
	return s.input("kill-leader", semantics.Stored, map[string][]history.Msg{"lost: vanished": {msg(5), msg(6)}})
}

// undead is a transaction that aborted and whose output is seen: it was processed again, and is there twice.
func undead() (story.Input, func(int) iter.Seq[history.Msg]) {
	s := &script{now: 9_000_000}
	s.begin("hold-requests")
	s.send(1, 1)
	s.add(3000, 4, history.Event{Kind: history.Outcome, Msg: msg(1), Attempt: 1, Status: history.Unknown, Reason: history.Timeout, Origin: history.FromTimeout})
	s.send(1, 2)
	s.acked(1, 2, at(0, 11, 0))
	s.add(10, 4, history.Event{Kind: history.FaultHit, Ref: 1, Name: "publish", Text: "hold, when nothing of this message was under way"})
	s.strike("hold-requests", "ends of transactions of orders-c1")
	for n, end := range []history.Status{history.Aborted, history.OK} {
		txn := uint64(n + 31)
		s.add(1000, 5, history.Event{Kind: history.TxnBegin, Txn: txn})
		s.add(100, 5, history.Event{Kind: history.Delivery, Msg: msg(1), Attempt: 2, Pos: at(0, 11, 1), Count: uint64(n + 1)})
		for _, m := range []history.Msg{msg(1), msg(9)} {
			s.add(1, 5, history.Event{Kind: history.TxnMember, Txn: txn, Msg: m, Pos: at(0, 11, 1)})
		}
		s.add(1, 5, history.Event{Kind: history.ApplyBegin, Txn: txn, Msg: msg(1), Pos: at(0, 11, 1)})
		s.add(2000, 5, history.Event{Kind: history.TxnEnd, Txn: txn, Flags: history.Commit})
		if n == 0 {
			s.add(10, 5, history.Event{Kind: history.FaultHit, Ref: 1, Name: "end", Count: 71, Text: "hold, on the connection to 10.0.0.2:9092"})
		}
		s.add(9000, 5, history.Event{Kind: history.TxnOutcome, Txn: txn, Status: end, Reason: history.BrokerError, Text: "\x1b[31mINVALID_TXN_STATE\n"})
		s.add(1, 5, history.Event{Kind: history.ApplyEnd, Txn: txn, Msg: msg(1), Pos: at(0, 11, 1), Status: map[bool]history.Status{true: history.Failed, false: history.OK}[n == 0]})
	}
	s.checkpoint()
	s.scan(1, 1, 40, map[history.Msg]history.Position{msg(1): at(0, 11, 1)})
	for n := range uint64(2) {
		s.add(10, 3, history.Event{Kind: history.Readback, Ref: 1, Msg: msg(1), Count: 1, Txn: 31 + n, Other: 5, Pos: at(1, 70+int64(n), 0)})
		s.add(10, 3, history.Event{Kind: history.Readback, Ref: 1, Msg: msg(9), Count: 1, Txn: 31 + n, Other: 5, Pos: at(1, 80+int64(n), 0)})
	}
	s.end()
	return s.input("hold-requests", semantics.Applied, map[string][]history.Msg{"duplicate effect": {msg(1)}, "resurrected": {msg(1)}})
}
