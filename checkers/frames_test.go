package checkers_test

import (
	"strings"
	"testing"

	"waybill/harness/history"
	"waybill/harness/semantics"
)

// hit is something done to a frame of a client.
func (s *script) hit(by history.Life, kind string) *script {
	return s.add(by, history.Event{Kind: history.FaultHit, Ref: 1, Name: kind})
}

// atLeastOnce is a mode that is promised no more, at any stage.
func atLeastOnce() semantics.Mode {
	m := exactlyOnce()
	for i := range m.Promises {
		m.Promises[i].Guarantee = semantics.AtLeastOnce
	}
	m.Traits.DedupStore, m.Traits.DedupEffect = false, false
	return m
}

func TestAFaultOfFramesCountsOnlyIfItTouchedTheLane(t *testing.T) {
	session, transacted := exactlyOnce(), atLeastOnce() // at least once, so that transactions need nothing else
	session.Traits.DedupStore, session.Traits.Session = false, true
	transacted.Traits.Transactional = true
	silent, dedup := atLeastOnce(), exactlyOnce()
	silent.Traits.Acks, silent.Traits.ConfirmsAcks = false, false
	dedup.Promises = dedup.Promises[:1]
	stored, applied := semantics.Stored, semantics.Applied
	retried := func(s *script) {
		s.outcome(2, 1, history.Unknown, 0).send(2, 2).outcome(2, 2, history.Acked, 2).consumed(2)
	}
	answered := func(s *script) { s.outcome(2, 1, history.Acked, 2).consumed(2) }
	again := func(s *script) { answered(s); s.deliver(other, 2, 2).apply(other, 2).ack(other, 2, 2) }
	for _, c := range []struct {
		claim  string
		fault  string
		mode   semantics.Mode
		hits   string // kinds of frames
		during func(s *script)
		stage  semantics.Stage
		why    string // "" is kept
	}{
		{"a confirmation was lost, and the send found no answer", "drop-confirms", atLeastOnce(), "confirm", retried, stored, ""},
		{"no confirmation was lost", "drop-confirms", atLeastOnce(), "", retried, stored, "confirmations lost"},
		{"something else was lost", "drop-confirms", atLeastOnce(), "ack", retried, stored, "confirmations lost"},
		{"a confirmation was lost that nobody waited for", "drop-confirms", atLeastOnce(), "confirm", answered, stored, "sends whose confirmation never arrived"},
		{"lost to a session whose library asked again", "drop-confirms:share=0.01", session, "confirm", func(s *script) { s.resent(2).consumed(2) }, stored, ""},
		{"lost to a session whose library did not", "drop-confirms", session, "confirm", answered, stored, "messages that the library sent again"},
		{"an acknowledgement was lost with its consumer, and the message came again", "drop-acks", atLeastOnce(), "ack", again, applied, ""},
		{"and it did not come again", "drop-acks", atLeastOnce(), "ack", answered, applied, "delivered once more"},
		{"no acknowledgement was lost", "drop-acks", atLeastOnce(), "", again, applied, "acknowledgements lost"},
		{"the connection was cut, and a later acknowledgement made up for it", "drop-acks:then=cut", atLeastOnce(), "ack", answered, applied, ""},
		{"a single one was lost, of two parameters", "drop-acks:share=1:then=nothing", atLeastOnce(), "ack", answered, applied, ""},
		{"a confirmation was late", "delay-acks", atLeastOnce(), "confirm", answered, stored, ""},
		{"only an acknowledgement was late: nothing for the store", "delay-acks", atLeastOnce(), "ack", answered, stored, "confirmations delayed"},
		{"an acknowledgement was late", "delay-acks", atLeastOnce(), "ack", answered, applied, ""},
		{"only a confirmation was late: nothing for what is applied", "delay-acks", atLeastOnce(), "confirm", answered, applied, "acknowledgements delayed"},
		{"a confirmation was late, and consumers acknowledge nothing", "delay-acks", silent, "confirm", answered, applied, ""},
		{"a publish was held", "hold-requests", atLeastOnce(), "publish", answered, stored, ""},
		{"none was held", "hold-requests", atLeastOnce(), "", answered, stored, "publishes held"},
		{"the end of a transaction is what can tear it", "hold-requests", transacted, "publish", answered, applied, "ends of transactions held"},
		{"a publish was sent twice", "duplicate-requests", session, "publish", answered, stored, ""},
		{"and was refused: that is a retry", "duplicate-requests", dedup, "publish", answered, stored, ""},
		{"none was", "duplicate-requests", session, "", answered, stored, "publishes sent twice"},
		{"no end of a transaction went unanswered", "drop-commits", transacted, "", answered, applied, "ends of transactions lost"},
	} {
		t.Run(c.claim, func(t *testing.T) {
			s := struck(c.mode, c.fault, func(s *script) { s.whole(1).send(2, 1) }, func(s *script) {
				for kind := range strings.FieldsSeq(c.hits) {
					s.hit(prod, kind)
				}
				c.during(s)
			}, nothing)
			got := cell(t, s.close(1, ids(1, 2), ids(1, 2)).audit(t), c.stage, 1)
			if c.why == "" && got.Result != semantics.Kept || c.why != "" && (got.Result != semantics.Inconclusive || !strings.Contains(got.Why, c.why)) {
				t.Errorf("%s, %q; want %q; exposure %+v", got.Result, got.Why, c.why, got.Exposure)
			}
		})
	}
}

// The other side: what a fault of frames is there to find.
func TestWhatAFaultOfFramesFinds(t *testing.T) {
	t.Run("a retry stored twice breaks exactly once", func(t *testing.T) {
		s := struck(exactlyOnce(), "drop-confirms", func(s *script) { s.whole(1).send(2, 1) }, func(s *script) {
			s.hit(prod, "confirm").outcome(2, 1, history.Unknown, 0).send(2, 2).outcome(2, 2, history.Acked, 3).consumed(2)
		}, nothing)
		v := s.close(1, ids(1, 2, 2), ids(1, 2)).audit(t)
		if got := cell(t, v, semantics.Stored, 1); got.Result != semantics.Broken || anomalies(v)["duplicate in store"] != 1 {
			t.Errorf("%s, %q, %v", got.Result, got.Why, anomalies(v))
		}
	})
	t.Run("an effect applied again after its acknowledgement was lost breaks exactly once", func(t *testing.T) {
		s := struck(exactlyOnce(), "drop-acks", func(s *script) { s.whole(1).stored(2) }, func(s *script) {
			s.deliver(con, 2, 2).apply(con, 2).hit(con, "ack").deliver(other, 2, 2).apply(other, 2).ack(other, 2, 2)
		}, nothing)
		v := s.close(1, ids(1, 2), ids(1, 2, 2)).audit(t)
		if got := cell(t, v, semantics.Applied, 1); got.Result != semantics.Broken || anomalies(v)["duplicate effect"] != 1 {
			t.Errorf("%s, %q, %v", got.Result, got.Why, anomalies(v))
		}
	})
}
