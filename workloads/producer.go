package workloads

import (
	"container/heap"
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/targets"
)

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
// Messages go out in bursts of Load.Burst, as a pipelined client's do; with Load.Flood as soon as the window has room for them. Its
// methods may be called from any goroutine.
type Producer struct {
	cfg      ProducerConfig
	client   targets.Producer
	batch    targets.BatchProducer // the client, if it takes many at once; else nil
	sends    *history.Recorder     // written by Run alone
	counters *history.Counters
	volley   volley
	ended    gathered[outcome]
	halted   atomic.Bool // what paused says, for those who do not hold mu

	mu       sync.Mutex
	outcomes *history.Recorder // written under mu
	told     []outcome         // by a client that takes many at once
	pace     pace
	window   window
	again    retries
	paused   bool
	gaveUp   bool
	wake     chan struct{}
	rng      *rand.Rand
	err      error
}

// NewProducer makes a producer that is paused until Resume.
func NewProducer(cfg ProducerConfig, client targets.Producer, sends, outcomes *history.Recorder) *Producer {
	p := &Producer{
		cfg: cfg, client: client, sends: sends, outcomes: outcomes, counters: sends.Counters(),
		volley: newVolley(cfg, sends), ended: newGathered[outcome](),
		pace: newPace(cfg.Rate, cfg.Load), window: newWindow(cfg.Rate, cfg.Load), paused: true, wake: make(chan struct{}, 1),
		rng: rand.New(rand.NewPCG(cfg.Seed, uint64(cfg.Life))),
	}
	p.batch, _ = client.(targets.BatchProducer)
	p.halted.Store(true)
	return p
}

// Pause stops new messages; those without an outcome are still resolved, and retried where the mode does. Pending doubts are dropped.
func (p *Producer) Pause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused = true
	p.halted.Store(true)
	p.again = p.again.withoutDoubts()
	p.nudge()
}

// Resume starts sending, from this instant on.
func (p *Producer) Resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused, p.gaveUp = false, false
	p.halted.Store(false)
	p.nudge()
}

// SetRate makes the load another one, from this instant on: messages that the old rate meant for earlier, and the window did not let
// out, are not owed any more. A flood has no rate.
func (p *Producer) SetRate(perSecond float64) error {
	if !(perSecond > 0) {
		return fmt.Errorf("workloads: a rate of %v messages a second: want more than 0", perSecond)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pace.set(perSecond)
	p.nudge()
	return nil
}

// Open is how many messages have no final outcome yet.
func (p *Producer) Open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.window.open
}

// GiveUp ends all retrying: what is unresolved stays unknown.
func (p *Producer) GiveUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gaveUp = true
	for _, r := range p.again {
		if !r.doubt { // what is doubted was acknowledged
			p.abandon(r.seq)
		}
	}
	p.again = nil
}

// Run sends until ctx ends or the recorder fails.
func (p *Producer) Run(ctx context.Context) error {
	defer p.ended.collect(p.settle)()
	sleep, err := newSleep(p.wake, p.cfg.Load)
	if err != nil {
		return err
	}
	defer sleep.end()
	for {
		p.mu.Lock()
		now := time.Now()
		switch {
		case p.err != nil:
			p.mu.Unlock()
			return p.err
		case p.paused:
			p.pace.stop()
		default:
			p.pace.start(now)
		}
		due := p.again.due(now)
		ready := p.pace.due(now)
		next := p.pace.next()
		if ready > 0 {
			next = time.Time{} // it is the window that lets no more out
		}
		n := p.window.grant(ready)
		first := p.pace.take(n)
		plan := p.pace
		wait := p.again.wait(now, time.Second)
		p.mu.Unlock()

		for _, r := range due {
			p.repeat(ctx, r)
		}
		if n > 0 {
			p.fire(ctx, plan, first, n)
		}
		if n == 0 && len(due) == 0 {
			err = sleep.until(ctx, next, now.Add(wait))
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// fire sends n new messages, those of the plan from first on. The clock is read once for them: a lower bound for each. What is not sent
// because the producer was paused meanwhile, or cannot record, goes back to the plan: once Pause has returned, whatever is still sent is
// counted as open and in flight.
func (p *Producer) fire(ctx context.Context, plan pace, first uint64, n int) {
	p.counters.Add(history.Sent, uint64(n))
	p.counters.Add(history.InFlight, uint64(n))
	v := &p.volley
	v.load(n, p.sends.Now())
	sent := 0
	var err error
	if p.batch != nil && !p.halted.Load() {
		if err = v.recordAll(p.sends, n, &plan, first); err == nil {
			seq := v.seq
			p.batch.SendBatch(ctx, v.messages[:n], func(list []targets.Ended) { p.resolveAll(seq, list) })
			sent = n
		}
	}
	for p.batch == nil && sent < n && err == nil && !p.halted.Load() {
		if err = v.record(p.sends, sent, &plan, first); err == nil {
			seq := v.seq + uint64(sent)
			p.client.Send(ctx, v.messages[sent], func(o targets.Outcome) { p.resolve(outcome{seq: seq, attempt: 1, Outcome: o}) })
			sent++
		}
	}
	v.seq += uint64(sent)
	rest := n - sent
	if rest == 0 && err == nil {
		return
	}
	p.counters.Add(history.Sent, -uint64(rest))
	p.counters.Add(history.InFlight, -uint64(rest))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.window.open -= rest
	p.pace.giveBack(rest)
	if p.err == nil {
		p.err = err
	}
}

// repeat makes another attempt with a message, unless it is a doubt and the producer was paused since it fell due.
func (p *Producer) repeat(ctx context.Context, r retry) {
	p.mu.Lock()
	if p.paused && r.doubt {
		p.mu.Unlock()
		return
	}
	p.counters.Add(history.InFlight, 1)
	p.mu.Unlock()
	m, err := p.volley.repeat(p.sends, r)
	if err != nil {
		p.fail(err)
		return
	}
	p.client.Send(ctx, m, func(o targets.Outcome) {
		p.resolve(outcome{seq: r.seq, attempt: r.attempt, doubt: r.doubt, Outcome: o})
	})
}

// conclude decides what follows from how an attempt ended, which is recorded. It is called under mu.
func (p *Producer) conclude(x *outcome) {
	switch {
	case x.Status == history.Acked:
		if x.doubt {
			return // it was acknowledged before
		}
		p.window.open--
		if p.cfg.Doubt && !p.paused && p.rng.Float64() < p.cfg.Load.Doubts {
			p.schedule(x.seq, x.attempt+1, time.Duration(100+p.rng.IntN(4000))*time.Millisecond, true)
		}
	case x.doubt:
	case !p.cfg.Retry, x.Status == history.Rejected && x.Flags&history.Returned != 0: // another try would be handed back too
		p.window.open--
	case p.gaveUp:
		p.abandon(x.seq)
	default:
		p.schedule(x.seq, x.attempt+1, p.backoff(x.attempt), false)
	}
}

// backoff doubles from a tenth of a second to two seconds, with jitter: a broker that comes back must not meet a storm of retries.
func (p *Producer) backoff(attempt uint32) time.Duration {
	d := min(2*time.Second, 100*time.Millisecond<<min(attempt-1, 5))
	return d/2 + time.Duration(p.rng.Int64N(int64(d/2)))
}

func (p *Producer) abandon(seq uint64) {
	p.window.open--
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
