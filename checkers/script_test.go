package checkers_test

import (
	"testing"

	"waybill/checkers"
	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// Lives of a script: one lane, one producer, two consumers.
const (
	ctl     history.Life = 1
	prod    history.Life = 2
	con     history.Life = 3
	other   history.Life = 4
	inspect history.Life = 5
)

// script is a history written by hand, an event every ten ticks.
type script struct {
	mode     semantics.Mode
	events   history.Memory
	schedule experiment.Schedule
	segments []checkers.Segment
	tag      uint64
	offset   int64 // ticks that passed between events besides
}

// exactlyOnce is the mode that most scripts are about.
func exactlyOnce() semantics.Mode {
	return semantics.Mode{Name: "once", Promises: []semantics.Promise{
		{Stage: semantics.Stored, Guarantee: semantics.ExactlyOnce, Ordered: true}, {Stage: semantics.Applied, Guarantee: semantics.ExactlyOnce},
	}, Traits: semantics.Traits{Confirms: true, Acks: true, ConfirmsAcks: true, Scannable: true, DedupStore: true, DedupEffect: true}}
}

func newScript(m semantics.Mode) *script {
	s := &script{mode: m}
	for _, l := range []struct {
		id   history.Life
		role string
	}{{ctl, "controller"}, {prod, "producer"}, {con, "consumer"}, {other, "consumer"}, {inspect, "inspector"}} {
		s.add(ctl, history.Event{Kind: history.LifeStart, Other: l.id, Text: l.role, Name: l.role})
		s.segments = append(s.segments, checkers.Segment{Name: l.role + ".wb", Life: l.id, Sealed: true})
	}
	return s
}

func (s *script) add(id history.Life, e history.Event) *script {
	e.Time, e.Life, e.Segment = int64(10*len(s.events)+10)+s.offset, id, int(id)
	s.events = append(s.events, e)
	return s
}

func msg(n uint64) history.Msg { return history.Msg{Life: prod, Seq: n} }

func at(p int64) history.Position { return history.Position{Offset: p} }

func (s *script) send(n uint64, attempt uint32) *script {
	return s.add(prod, history.Event{Kind: history.Send, Msg: msg(n), Attempt: attempt, Session: 1})
}

func (s *script) outcome(n uint64, attempt uint32, st history.Status, p int64) *script {
	return s.add(prod, history.Event{Kind: history.Outcome, Msg: msg(n), Attempt: attempt, Status: st, Pos: at(p)})
}

// deliver records a receive call and its one delivery.
func (s *script) deliver(c history.Life, n uint64, p int64) *script {
	s.add(c, history.Event{Kind: history.Receive, Call: 1})
	return s.add(c, history.Event{Kind: history.Delivery, Msg: msg(n), Pos: at(p), Call: 1})
}

func (s *script) apply(c history.Life, n uint64) *script {
	s.add(c, history.Event{Kind: history.ApplyBegin, Msg: msg(n)})
	return s.add(c, history.Event{Kind: history.ApplyEnd, Msg: msg(n), Status: history.OK})
}

func (s *script) ack(c history.Life, n uint64, p int64) *script {
	s.add(c, history.Event{Kind: history.AckCalled, Msg: msg(n), Pos: at(p)})
	return s.add(c, history.Event{Kind: history.AckOutcome, Msg: msg(n), Pos: at(p), Status: history.Confirmed})
}

// whole is the ordinary life of a message, stored at its own number.
func (s *script) whole(n uint64) *script {
	return s.send(n, 1).outcome(n, 1, history.Acked, int64(n)).deliver(con, n, int64(n)).apply(con, n).ack(con, n, int64(n))
}

func (s *script) begin(ref uint64, fault string) *script {
	return s.add(ctl, history.Event{Kind: history.EpisodeBegin, Ref: ref, Name: fault})
}

// scan reads the store on one replica: copies[i] lies at position i+1.
func (s *script) scan(ref uint64, replica string, copies ...uint64) *script {
	s.tag++
	s.add(inspect, history.Event{Kind: history.ScanBegin, Ref: ref, Tag: s.tag, Name: replica, From: 1, To: int64(len(copies))})
	for i, n := range copies {
		if n > 0 {
			s.add(inspect, history.Event{Kind: history.Copy, Tag: s.tag, Msg: msg(n), Pos: at(int64(i + 1))})
		}
	}
	return s.add(inspect, history.Event{Kind: history.ScanEnd, Ref: ref, Tag: s.tag, Status: history.OK, From: 1, To: int64(len(copies))})
}

// trimmed is a scan of a queue that begins at position 2, where message 1 lies.
func (s *script) trimmed(ref uint64, replica string) *script {
	s.tag++
	s.add(inspect, history.Event{Kind: history.ScanBegin, Ref: ref, Tag: s.tag, Name: replica, From: 2, To: 2})
	s.add(inspect, history.Event{Kind: history.Copy, Tag: s.tag, Msg: msg(1), Pos: at(2)})
	return s.add(inspect, history.Event{Kind: history.ScanEnd, Ref: ref, Tag: s.tag, Status: history.OK, From: 2, To: 2})
}

func (s *script) readback(ref uint64, effects ...uint64) *script {
	for _, n := range effects {
		s.add(inspect, history.Event{Kind: history.Readback, Ref: ref, Msg: msg(n), Count: 1})
	}
	return s.add(inspect, history.Event{Kind: history.ReadbackEnd, Ref: ref, Status: history.OK})
}

func (s *script) end(ref uint64) *script {
	s.add(ctl, history.Event{Kind: history.CheckpointEnd, Ref: ref, Status: history.OK})
	return s.add(ctl, history.Event{Kind: history.EpisodeEnd, Ref: ref})
}

// close is a checkpoint at which two replicas hold the same copies.
func (s *script) close(ref uint64, copies, effects []uint64) *script {
	return s.scan(ref, "a", copies...).scan(ref, "b", copies...).readback(ref, effects...).end(ref)
}

func (s *script) input() checkers.Input {
	return checkers.Input{Source: s.events, Schedule: s.schedule, Segments: s.segments, Experiment: experiment.Experiment{
		Run: "testtest", Lanes: []experiment.Lane{{Name: "lane", Mode: s.mode}}}}
}

func (s *script) audit(t *testing.T) semantics.Verdict {
	t.Helper()
	return audit(t, s.input())
}

// anomalies are the names found, once each.
func anomalies(v semantics.Verdict) map[string]int64 {
	out := map[string]int64{}
	for _, f := range v.Findings {
		out[f.Anomaly] += f.Count
	}
	return out
}

// cell is the last cell of a stage.
func cell(t *testing.T, v semantics.Verdict, s semantics.Stage, episode int) semantics.Cell {
	t.Helper()
	for _, c := range v.Lanes[0].Cells {
		if c.Stage == s && c.Episode == episode {
			return c
		}
	}
	t.Fatalf("no cell for %v in episode %d", s, episode)
	return semantics.Cell{}
}
