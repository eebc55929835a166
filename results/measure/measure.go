package measure

import (
	"context"
	"errors"
	"fmt"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/results/bench"
	"waybill/results/latency"
)

// ErrHistory marks a history that contradicts itself, so that nothing can be measured.
var ErrHistory = errors.New("measure: this history cannot be measured")

// Window is the measured part of a replicate, in ticks of the history's clock: From belongs to it, To does not.
type Window struct{ From, To int64 }

func (w Window) holds(tick int64) bool { return tick >= w.From && tick < w.To }

// Seconds is its length.
func (w Window) Seconds() float64 { return float64(w.To-w.From) / history.TicksPerSecond }

// Job says what to measure.
type Job struct {
	Lane   experiment.Lane // whose mode says which stages there are
	Index  uint32          // of the lane in its experiment
	Load   experiment.Load // in a flood there is no schedule to be late for
	Late   bool            // consumers start behind the window: deliveries and applications have no latencies worth telling
	Window Window
}

// Figures are what was measured. Rates are messages a second within the window.
type Figures struct {
	Sent    float64 // first attempts
	Acked   float64
	Goodput float64 // unique messages applied: a second application of one is none; where consumers come later, messages acknowledged
	Latency []bench.Latencies
	Late    map[string]int // as in bench.Replicate; nil in a flood
	Counts  bench.Counts   // of the whole lane, by its clients' records alone: Lost are acknowledged messages that were not applied, Missing others
}

// Run reads a history from its beginning to its end.
//
// A message belongs to the window if it was meant to be sent in it, whenever it arrived. Its times run from the instant it was meant to be
// sent (corrected) and from that at which it was handed to the client library first (uncorrected), to
//   - confirmed: the client learned of the first acknowledgement of any attempt;
//   - delivered: a receive call returned the first copy of it;
//   - applied: its effect is known to have happened for the first time;
//   - visible, in place of applied where an effect is an output of a transaction: the processor was told that the transaction which holds it had
//     committed. From then on no reader of committed messages may miss it. When one could first have seen it is not observed: a broker may
//     answer before the marker of the commit has reached every partition, and a reader polls.
//
// Sends are recorded with lower bounds of their instants and all others with upper bounds, so a time is too long by the span of a batch, never
// too short. An effect of which only the reading back at the end told has arrived by then. What never arrived has taken the time from its
// beginning to the last that was heard of it, for a confirmation, or to the end of the history, and counts as failed. In a mode without
// confirmations no message has a time to one.
//
// Errors are those of the source, of ctx, or wrap ErrHistory.
func Run(ctx context.Context, src history.Source, j Job) (Figures, error) {
	m := newMeter(j)
	n := 0
	for e, err := range src.Events() {
		if err != nil {
			return Figures{}, fmt.Errorf("measure: reading the history: %w", err)
		}
		if n++; n%4096 == 0 && ctx.Err() != nil {
			break
		}
		if err := m.see(e); err != nil {
			return Figures{}, err
		}
	}
	if err := ctx.Err(); err != nil {
		return Figures{}, fmt.Errorf("measure: %w", err)
	}
	return m.figures(), nil
}

// stage is what a latency goes to.
type stage uint8

const (
	confirmed stage = iota
	delivered
	applied
	stages
)

// meter is the state of one reading.
type meter struct {
	Job
	confirms bool
	flights  map[history.Life]*flight // by producer
	doubts   map[history.Msg]doubt    // of messages that an attempt failed or may have failed to get through, and none was acknowledged
	commits  map[history.Life]commit  // by processor, of its last transaction
	last     int64                    // tick of the last event

	times    [stages][2]*latency.Histogram // uncorrected, corrected
	failed   [stages]int64
	late     *latency.Histogram
	within   struct{ sent, acked, applied int64 }
	counts   bench.Counts
	rejected int64 // messages of which every attempt certainly was
}

// doubt is what is known of the attempts of a message that was not acknowledged.
type doubt struct {
	at       int64 // the last that was heard
	rejected uint32
	attempts uint32
}

// commit is the end of a transaction.
type commit struct {
	txn uint64
	at  int64
}

func newMeter(j Job) *meter {
	m := &meter{Job: j, confirms: j.Lane.Mode.Traits.Confirms, flights: map[history.Life]*flight{}, doubts: map[history.Msg]doubt{}, commits: map[history.Life]commit{}, late: latency.New()}
	for s := range m.times {
		m.times[s] = [2]*latency.Histogram{latency.New(), latency.New()}
	}
	return m
}

// see takes one event.
func (m *meter) see(e *history.Event) error {
	m.last = max(m.last, e.Time)
	switch e.Kind {
	case history.Send, history.Outcome, history.GiveUp, history.Delivery, history.ApplyEnd, history.Readback, history.TxnOutcome:
	default:
		return nil
	}
	if e.Lane != m.Index || e.Flags&(history.Corrupt|history.Foreign|history.Invisible) != 0 {
		return nil
	}
	if e.Kind == history.TxnOutcome {
		m.commits[e.Life] = commit{e.Txn, e.Time}
		return nil
	}
	if e.Msg.Seq == 0 {
		return nil
	}
	f := m.flights[e.Msg.Life]
	if f == nil {
		f = &flight{}
		m.flights[e.Msg.Life] = f
	}
	t, err := f.find(e.Msg.Seq)
	if err != nil {
		return fmt.Errorf("%w: life %d, message %d: %w", ErrHistory, e.Msg.Life, e.Msg.Seq, err)
	}
	if t == nil { // it has arrived long since
		m.again(e)
		return nil
	}
	m.move(e, t)
	if t.over(m.confirms) {
		f.settle(e.Msg.Seq)
	}
	return nil
}

// move notes what an event says of a message that has not arrived everywhere.
func (m *meter) move(e *history.Event, t *trip) {
	switch e.Kind {
	case history.Send:
		m.send(e, t)
	case history.Outcome:
		m.outcome(e, t)
	case history.GiveUp:
		if d, ok := m.doubts[e.Msg]; ok {
			d.at = e.Time
			m.doubts[e.Msg] = d
		}
	case history.Delivery:
		m.arrive(delivered, e.Time, t)
	case history.ApplyEnd:
		m.apply(e, t)
	case history.Readback:
		if e.Count > 0 {
			m.effect(e.Time, t)
		}
	}
}

// again notes what an event says of a message that has arrived everywhere.
func (m *meter) again(e *history.Event) {
	if e.Kind == history.ApplyEnd && e.Status == history.OK {
		m.counts.Duplicates++
	}
}

func (m *meter) send(e *history.Event, t *trip) {
	if d, ok := m.doubts[e.Msg]; ok {
		d.attempts = max(d.attempts, e.Attempt)
		m.doubts[e.Msg] = d
	}
	if t.is(known) {
		return
	}
	intended := e.Intended
	if intended == 0 {
		intended = e.Time
	}
	t.begin(intended, e.Time)
	m.counts.Sent++
	if m.Window.holds(e.Time) {
		m.within.sent++
	}
	if m.Window.holds(intended) {
		t.set(measured)
		m.late.Record(e.Time - intended)
	}
}

func (m *meter) outcome(e *history.Event, t *trip) {
	switch {
	case t.is(hasStage(confirmed)):
	case e.Status == history.Acked:
		delete(m.doubts, e.Msg)
		m.counts.Acked++
		if m.Window.holds(e.Time) {
			m.within.acked++
		}
		m.arrive(confirmed, e.Time, t)
	case m.confirms:
		d := m.doubts[e.Msg]
		d.at, d.attempts = e.Time, max(d.attempts, e.Attempt)
		if e.Status == history.Rejected {
			d.rejected++
		}
		m.doubts[e.Msg] = d
	}
}

func (m *meter) apply(e *history.Event, t *trip) {
	if e.Status != history.OK && e.Status != history.DedupHit {
		return
	}
	at := e.Time
	if c := m.commits[e.Life]; e.Txn != 0 && c.txn == e.Txn {
		at = c.at
	}
	if t.is(hasStage(applied)) {
		m.again(e)
		return
	}
	m.effect(at, t)
}

// effect notes that a message is known to be applied.
func (m *meter) effect(at int64, t *trip) {
	if t.is(hasStage(applied)) {
		return
	}
	m.counts.Applied++
	if m.Window.holds(at) {
		m.within.applied++
	}
	m.arrive(applied, at, t)
}

// arrive notes the first time that a message got to a stage.
func (m *meter) arrive(s stage, at int64, t *trip) {
	if t.is(hasStage(s)) {
		return
	}
	t.set(hasStage(s))
	m.record(s, at, t)
}

func (m *meter) record(s stage, at int64, t *trip) {
	if t.is(measured) {
		m.times[s][0].Record(at - t.sent())
		m.times[s][1].Record(at - t.intended)
	}
}

// figures ends the reading: what has not arrived by now has failed.
func (m *meter) figures() Figures {
	for life, f := range m.flights {
		for seq, t := range f.open() {
			m.fail(history.Msg{Life: life, Seq: seq}, t)
		}
	}
	m.counts.Unknown = m.counts.Sent - m.counts.Acked - m.rejected
	seconds := m.Window.Seconds()
	rate := func(n int64) float64 {
		if seconds <= 0 {
			return 0
		}
		return float64(n) / seconds
	}
	f := Figures{Sent: rate(m.within.sent), Acked: rate(m.within.acked), Goodput: rate(m.within.applied), Latency: m.latencies(), Counts: m.counts}
	if m.Job.Late {
		f.Goodput = f.Acked
		if !m.confirms {
			f.Goodput = f.Sent
		}
	}
	if !m.Load.Flood && m.late.N() > 0 {
		f.Late = map[string]int{}
		for name, q := range map[string]float64{"p50": 0.5, "p99": 0.99, "p999": 0.999, "max": 1} {
			f.Late[name] = int(m.late.Quantile(q))
		}
	}
	return f
}

// fail counts a message that did not arrive everywhere.
func (m *meter) fail(msg history.Msg, t *trip) {
	if !t.is(known) {
		return // heard of, but its sending was not recorded: the audit has a name for it
	}
	d, doubtful := m.doubts[msg]
	for s := range stages {
		if t.is(hasStage(s)) || s == confirmed && !m.confirms {
			continue
		}
		if t.is(measured) {
			m.failed[s]++
		}
		at := m.last
		if s == confirmed && doubtful {
			at = d.at
		}
		m.record(s, at, t)
	}
	acked := t.is(hasStage(confirmed))
	if !acked && doubtful && d.rejected == d.attempts {
		m.rejected++
	}
	switch {
	case t.is(hasStage(applied)):
	case acked:
		m.counts.Lost++
	case !t.is(hasStage(delivered)):
		m.counts.Missing++
	}
}

// latencies are the histograms of the stages that the mode has.
func (m *meter) latencies() (out []bench.Latencies) {
	names := [stages]string{"confirmed", "delivered", "applied"}
	if m.Lane.Mode.Traits.Transactional {
		names[applied] = "visible"
	}
	for s := range stages {
		if s == confirmed && !m.confirms || s != confirmed && m.Job.Late {
			continue
		}
		for _, corrected := range []bool{true, false} {
			i := 0
			if corrected {
				i = 1
			}
			h := m.times[s][i]
			if h.N() == 0 {
				continue
			}
			out = append(out, bench.Latencies{To: names[s], Corrected: corrected, Histogram: h.String(), Failed: m.failed[s]})
		}
	}
	return out
}
