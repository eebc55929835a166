package workloads

import (
	"container/heap"
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/targets"
)

// windowMost bounds the memory of a producer that is answered nothing.
const windowMost = 20_000

// window is the most messages that one producer leaves without an outcome; beyond it new ones wait, keeping their intended instants. It
// is what a broker that keeps up answers in the time an attempt has. With more open, a broker that comes back meets more retries than it
// can answer in that time, calls for each of them again, and never catches up.
func window(rate float64, l experiment.Load) int {
	return min(windowMost, max(l.Burst, int(rate*l.Confirm.Seconds())))
}

// ProducerConfig says what one producer life sends.
type ProducerConfig struct {
	Life  history.Life
	Lane  uint32
	Stamp Stamp
	Load  experiment.Load
	Rate  float64 // messages a second of this producer
	Retry bool    // send again while the outcome is unknown
	Doubt bool    // send a share of acknowledged messages again: the store deduplicates
	Seed  uint64
}

// Producer is an open-loop producer: message n is meant to be sent at a set instant whatever became of those before.
// Messages go out in bursts of Load.Burst, as a pipelined client's do. Its methods may be called from any goroutine.
type Producer struct {
	cfg      ProducerConfig
	window   int
	client   targets.Producer
	sends    *history.Recorder // written by Run alone
	counters *history.Counters
	since    time.Time // an instant, and
	ticks    int64     // the recorder's clock at it

	mu       sync.Mutex
	outcomes *history.Recorder // written under mu: outcomes come from the client's goroutines
	open     map[uint64]bool   // messages without a final outcome
	again    retries
	paused   bool
	gaveUp   bool
	wake     chan struct{}
	rng      *rand.Rand
	err      error
}

// NewProducer makes a producer that is paused until Resume.
func NewProducer(cfg ProducerConfig, client targets.Producer, sends, outcomes *history.Recorder) *Producer {
	return &Producer{
		cfg: cfg, window: window(cfg.Rate, cfg.Load), client: client, sends: sends, outcomes: outcomes, counters: sends.Counters(),
		since: time.Now(), ticks: sends.Now(), open: map[uint64]bool{}, paused: true, wake: make(chan struct{}, 1),
		rng: rand.New(rand.NewPCG(cfg.Seed, uint64(cfg.Life))),
	}
}

// Pause stops new messages; those without an outcome are still resolved, and retried where the mode does. Pending doubts are dropped.
func (p *Producer) Pause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused = true
	p.again = p.again.withoutDoubts()
	p.nudge()
}

// Resume starts sending, from this instant on.
func (p *Producer) Resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused, p.gaveUp = false, false
	p.nudge()
}

// Open is how many messages have no final outcome yet.
func (p *Producer) Open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.open)
}

// GiveUp ends all retrying: what is unresolved stays unknown.
func (p *Producer) GiveUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gaveUp = true
	for _, r := range p.again {
		p.abandon(r.seq)
	}
	p.again = nil
}

// Run sends until ctx ends or the recorder fails.
func (p *Producer) Run(ctx context.Context) error {
	interval := time.Duration(float64(time.Second) / p.cfg.Rate)
	var seq uint64
	var next time.Time // intended instant of the next message
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		p.mu.Lock()
		now := time.Now()
		switch {
		case p.err != nil:
			p.mu.Unlock()
			return p.err
		case p.paused:
			next = time.Time{}
		case next.IsZero():
			next = now.Add(inStep(time.Duration(p.cfg.Load.Burst) * interval))
		}
		due := p.again.due(now)
		burst := 0
		// A burst leaves when its last message is due; each keeps its own intended instant.
		if !p.paused && !now.Before(next.Add(time.Duration(p.cfg.Load.Burst-1)*interval)) && len(p.open) < p.window {
			burst = p.cfg.Load.Burst
		}
		wait := p.again.wait(now, time.Second)
		p.mu.Unlock()

		for _, r := range due {
			p.send(ctx, r.seq, r.attempt, now, r.doubt)
		}
		for range burst {
			if !p.send(ctx, seq+1, 1, next, false) {
				break
			}
			seq++
			next = next.Add(interval)
		}
		if burst > 0 || len(due) > 0 {
			if ctx.Err() != nil {
				return nil
			}
			continue
		}
		if !next.IsZero() {
			if until := time.Until(next.Add(time.Duration(p.cfg.Load.Burst-1) * interval)); until > 0 {
				wait = min(wait, until)
			}
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return nil
		case <-p.wake:
		case <-timer.C:
		}
	}
}

// inStep is how long until the machine's clock is a multiple of period: all producers of a run burst together, so that a strike
// can find every lane with something in flight.
func inStep(period time.Duration) time.Duration {
	return period - time.Duration(history.Clock())%period
}

// send makes one attempt. It reports false, and sends nothing, if the producer was paused since a new message or a doubt fell due:
// once Pause has returned, whatever is still sent is counted as open or in flight.
func (p *Producer) send(ctx context.Context, seq uint64, attempt uint32, intended time.Time, doubt bool) bool {
	m := history.Msg{Life: p.cfg.Life, Seq: seq}
	payload := p.cfg.Stamp.Payload(m)
	key := p.cfg.Stamp.Key(m)
	e := history.Event{Kind: history.Send, Lane: p.cfg.Lane, Msg: m, Attempt: attempt, Key: key, Session: 1,
		Time: p.sends.Now()}
	// Exact to the tick: instants a fixed interval apart cost the recorder nothing.
	e.Intended = min(e.Time, p.ticks+intended.Sub(p.since).Microseconds())
	if doubt {
		e.Flags = history.Doubt
	}
	p.mu.Lock()
	if p.paused && (attempt == 1 || doubt) {
		p.mu.Unlock()
		return false
	}
	if attempt == 1 {
		p.open[seq] = true
		p.counters.Add(history.Sent, 1)
	}
	p.counters.Add(history.InFlight, 1)
	p.mu.Unlock()
	if err := p.sends.Record(&e); err != nil {
		p.fail(err)
		return false
	}
	p.client.Send(ctx, targets.Message{Token: p.cfg.Stamp.Token(m, payload), Attempt: attempt, Key: key, Payload: payload},
		func(o targets.Outcome) { p.resolve(m, attempt, doubt, o) })
	return true
}

// resolve records how an attempt ended and decides what follows.
func (p *Producer) resolve(m history.Msg, attempt uint32, doubt bool, o targets.Outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := history.Event{Kind: history.Outcome, Lane: p.cfg.Lane, Msg: m, Attempt: attempt,
		Status: o.Status, Reason: o.Reason, Origin: o.Origin, Flags: o.Flags, Pos: o.Pos}
	if err := p.outcomes.Record(&e); err != nil {
		p.err = err
		p.nudge()
		return
	}
	p.counters.Add(history.InFlight, ^uint64(0))
	if len(p.open) >= p.window {
		p.nudge() // Run waits for room
	}
	switch o.Status {
	case history.Acked:
		p.counters.Add(history.AckedSends, 1)
		delete(p.open, m.Seq)
		if !doubt && p.cfg.Doubt && !p.paused && p.rng.Float64() < p.cfg.Load.Doubts {
			p.schedule(m.Seq, attempt+1, time.Duration(100+p.rng.IntN(4000))*time.Millisecond, true)
		}
		return
	case history.Rejected:
		p.counters.Add(history.RejectedSends, 1)
	default:
		p.counters.Add(history.UnknownOutcomes, 1)
	}
	switch {
	case doubt: // it was acknowledged before
	case !p.cfg.Retry, o.Status == history.Rejected && o.Flags&history.Returned != 0: // another try would be handed back too
		delete(p.open, m.Seq)
	case p.gaveUp:
		p.abandon(m.Seq)
	default:
		p.schedule(m.Seq, attempt+1, p.backoff(attempt), false)
	}
}

// backoff doubles from a tenth of a second to two seconds, with jitter: a broker that comes back must not meet a storm of retries.
func (p *Producer) backoff(attempt uint32) time.Duration {
	d := min(2*time.Second, 100*time.Millisecond<<min(attempt-1, 5))
	return d/2 + time.Duration(p.rng.Int64N(int64(d/2)))
}

func (p *Producer) abandon(seq uint64) {
	if !p.open[seq] {
		return
	}
	delete(p.open, seq)
	e := history.Event{Kind: history.GiveUp, Lane: p.cfg.Lane, Msg: history.Msg{Life: p.cfg.Life, Seq: seq}, Reason: history.LimitReached}
	if err := p.outcomes.Record(&e); err != nil {
		p.err = err
	}
}

func (p *Producer) schedule(seq uint64, attempt uint32, after time.Duration, doubt bool) {
	heap.Push(&p.again, retry{at: time.Now().Add(after), seq: seq, attempt: attempt, doubt: doubt})
	p.nudge()
}

func (p *Producer) fail(err error) {
	p.mu.Lock()
	p.err = err
	p.mu.Unlock()
}

func (p *Producer) nudge() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}
