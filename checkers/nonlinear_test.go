package checkers_test

import (
	"testing"

	"waybill/harness/history"
	"waybill/harness/semantics"
)

// twoProducers is a script in which the life other sends too, on keys of its own.
func twoProducers(linearizable bool) *script {
	m := exactlyOnce()
	m.Promises[0].Linearizable = linearizable
	return newScript(m)
}

func (s *script) append(by history.Life, n uint64, key uint32) *script {
	return s.add(by, history.Event{Kind: history.Send, Msg: history.Msg{Life: by, Seq: n}, Attempt: 1, Session: 1, Key: key})
}

func (s *script) appended(by history.Life, n uint64, p history.Position) *script {
	return s.add(by, history.Event{Kind: history.Outcome, Msg: history.Msg{Life: by, Seq: n}, Attempt: 1, Status: history.Acked, Pos: p})
}

// sameTick moves the last event back to the tick of the one before.
func (s *script) sameTick() *script {
	n := len(s.events)
	s.events[n-1].Time = s.events[n-2].Time
	return s
}

func TestAppendsOfAllProducersKeepTheOrderOfRealTime(t *testing.T) {
	for _, c := range []struct {
		name  string
		story func(*script) *script
		found bool
	}{
		{"one after the other, at rising positions", func(s *script) *script {
			return s.append(prod, 1, 1).appended(prod, 1, at(1)).append(other, 1, 2).appended(other, 1, at(2))
		}, false},
		{"one after the other, at falling positions", func(s *script) *script {
			return s.append(prod, 1, 1).appended(prod, 1, at(2)).append(other, 1, 2).appended(other, 1, at(1))
		}, true},
		{"of one producer, with another key", func(s *script) *script {
			return s.append(prod, 1, 1).appended(prod, 1, at(2)).append(prod, 2, 2).appended(prod, 2, at(1))
		}, true},
		{"in flight together", func(s *script) *script {
			return s.append(other, 1, 2).append(prod, 1, 1).appended(prod, 1, at(2)).appended(other, 1, at(1))
		}, false},
		{"sent at the tick of the acknowledgement", func(s *script) *script {
			return s.append(prod, 1, 1).appended(prod, 1, at(2)).append(other, 1, 2).sameTick().appended(other, 1, at(1))
		}, false},
		{"in two partitions", func(s *script) *script {
			return s.append(prod, 1, 1).appended(prod, 1, history.Position{Partition: 1, Offset: 2}).append(other, 1, 2).appended(other, 1, at(1))
		}, false},
		{"in two incarnations of the queue", func(s *script) *script {
			return s.append(prod, 1, 1).appended(prod, 1, at(2)).append(other, 1, 2).appended(other, 1, history.Position{Incarnation: 1, Offset: 1})
		}, false},
		{"confirmed without a position", func(s *script) *script {
			return s.append(prod, 1, 1).appended(prod, 1, at(2)).append(other, 1, 2).appended(other, 1, at(0))
		}, false},
		{"a retry of what was sent before", func(s *script) *script {
			return s.append(other, 1, 2).append(prod, 1, 1).appended(prod, 1, at(2)).append(other, 1, 2).appended(other, 1, at(1))
		}, false},
		{"a third one between them in position", func(s *script) *script {
			return s.append(prod, 1, 1).appended(prod, 1, at(3)).append(prod, 2, 2).append(other, 1, 3).appended(other, 1, at(4)).appended(prod, 2, at(2))
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, promised := range []bool{true, false} {
				v := c.story(twoProducers(promised).begin(1, "kill-leader")).end(1).audit(t)
				var found *semantics.Finding
				for i := range v.Findings {
					if v.Findings[i].Anomaly == "nonlinear" {
						found = &v.Findings[i]
					}
				}
				switch {
				case (found != nil) != c.found:
					t.Errorf("found %+v", v.Findings)
				case found != nil && (found.Count != 1 || found.Breaks != promised):
					t.Errorf("promised %v: %+v", promised, *found)
				}
			}
		})
	}
}

func TestWhatIsReorderedWithinASessionIsNotToldTwice(t *testing.T) {
	v := twoProducers(true).append(prod, 1, 1).appended(prod, 1, at(2)).append(prod, 2, 1).appended(prod, 2, at(1)).audit(t)
	if a := anomalies(v); a["reordered"] != 1 || a["nonlinear"] != 0 {
		t.Errorf("found %v", a)
	}
}

func TestALogCutBackIsALossAndNothingElse(t *testing.T) {
	s := twoProducers(true)
	s.begin(1, "kill-leader").append(prod, 1, 1).appended(prod, 1, at(2)) // lost, with the end of the log
	s.append(other, 1, 2).appended(other, 1, at(1)).deliver(con, 1, 1)    // and this one took an earlier place
	s.events[len(s.events)-1].Msg = history.Msg{Life: other, Seq: 1}      // that was delivered
	s.add(con, history.Event{Kind: history.ApplyBegin, Msg: history.Msg{Life: other, Seq: 1}})
	s.add(con, history.Event{Kind: history.ApplyEnd, Msg: history.Msg{Life: other, Seq: 1}, Status: history.OK})
	for _, replica := range []string{"a", "b"} {
		s.tag++
		s.add(inspect, history.Event{Kind: history.ScanBegin, Ref: 1, Tag: s.tag, Name: replica, From: 1, To: 1})
		s.add(inspect, history.Event{Kind: history.Copy, Tag: s.tag, Msg: history.Msg{Life: other, Seq: 1}, Pos: at(1)})
		s.add(inspect, history.Event{Kind: history.ScanEnd, Ref: 1, Tag: s.tag, Status: history.OK, From: 1, To: 1})
	}
	s.add(inspect, history.Event{Kind: history.Readback, Ref: 1, Msg: history.Msg{Life: other, Seq: 1}, Count: 1})
	s.add(inspect, history.Event{Kind: history.ReadbackEnd, Ref: 1, Status: history.OK}).end(1)
	a := anomalies(s.audit(t))
	if a["nonlinear"] != 0 || a["lost: not accepted"]+a["lost: vanished"] != 1 {
		t.Errorf("found %v", a)
	}
}
