package workloads

import (
	"time"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/targets"
)

// volley makes messages and records that they are about to be sent. It is used by one goroutine.
type volley struct {
	stamp Stamp
	bare  bool      // no tokens
	since time.Time // an instant, and
	ticks int64     // the recorder's clock at it

	seq      uint64            // of the next new message
	messages []targets.Message // of the volley, from seq on
	tokens   []byte            // of the volley, one after another
	sums     sums
	event    history.Event // what all new messages have
}

func newVolley(cfg ProducerConfig, sends *history.Recorder) volley {
	return volley{stamp: cfg.Stamp, sums: newSums(cfg.Stamp.Size), bare: cfg.Load.Record == experiment.NoTokens, since: time.Now(), ticks: sends.Now(), seq: 1,
		event: history.Event{Kind: history.Send, Lane: cfg.Lane, Msg: history.Msg{Life: cfg.Life}, Attempt: 1, Session: 1}}
}

// load makes the next n messages, which are all sent after the instant at, in ticks.
func (v *volley) load(n int, at int64) {
	v.event.Time = at
	for len(v.messages) < n {
		v.messages = append(v.messages, targets.Message{Attempt: 1})
	}
	v.tokens = v.tokens[:0]
	m := v.event.Msg
	for i := range v.messages[:n] {
		m.Seq = v.seq + uint64(i)
		x := &v.messages[i]
		place := v.stamp.place(m)
		x.Key, x.Payload = v.stamp.Key(m), prose.slice(place, v.stamp.Size)
		if !v.bare {
			v.tokens = history.AppendToken(v.tokens, v.stamp.Run, m, v.sums.of(m, x.Key, place, x.Payload))
		}
	}
	if v.bare {
		return
	}
	all := string(v.tokens)
	for i := range v.messages[:n] {
		v.messages[i].Token = all[i*history.TokenLen : (i+1)*history.TokenLen]
	}
}

// record records message i of the volley, which is number first+i of the plan.
func (v *volley) record(r *history.Recorder, i int, plan *pace, first uint64) error {
	e := &v.event
	e.Msg.Seq, e.Key, e.Intended = v.seq+uint64(i), v.messages[i].Key, v.intended(plan, first+uint64(i))
	return r.Record(e)
}

// recordAll does so with the first n messages.
func (v *volley) recordAll(r *history.Recorder, n int, plan *pace, first uint64) error {
	return r.RecordSeries(&v.event, n, func(i int, x *history.Varying) {
		x.Msg.Seq, x.Key, x.Intended = v.seq+uint64(i), v.messages[i].Key, v.intended(plan, first+uint64(i))
	})
}

// intended is when message k of a plan is meant to be sent: exact to the tick, since instants a fixed interval apart cost the recorder
// nothing. Of a flood it is when it is sent.
func (v *volley) intended(plan *pace, k uint64) int64 {
	if plan.flood {
		return v.event.Time
	}
	return min(v.event.Time, v.ticks+plan.at(k).Sub(v.since).Microseconds())
}

// repeat makes and records another attempt with a message. It is meant to be sent when it is.
func (v *volley) repeat(r *history.Recorder, a retry) (targets.Message, error) {
	m := history.Msg{Life: v.event.Msg.Life, Seq: a.seq}
	x := targets.Message{Attempt: a.attempt, Key: v.stamp.Key(m), Payload: v.stamp.shared(m)}
	if !v.bare {
		x.Token = v.stamp.Token(m, x.Payload)
	}
	e := v.event
	e.Msg, e.Attempt, e.Key, e.Time = m, a.attempt, x.Key, r.Now()
	e.Intended = e.Time
	if a.doubt {
		e.Flags = history.Doubt
	}
	return x, r.Record(&e)
}
