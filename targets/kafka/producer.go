package kafka

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"waybill/harness/history"
	"waybill/targets"
)

const (
	mostBuffered  = 1 << 17                // records that wait in the library
	sweepEvery    = 50 * time.Millisecond  // how often overdue attempts are looked for
	confirmGrace  = 500 * time.Millisecond // by which the library's own limit, which says more, comes first
	leastDelivery = time.Second            // the library's least

	// renewEvery is how long a producer that asks for no answers keeps a connection: it cannot tell one that the broker has stopped
	// to read, and Kafka 4.1 leaves some so (README.md).
	renewEvery = 5 * time.Second
)

// producer publishes through the library, pipelined. Without idempotence a record is tried once: after a failure of any
// kind the library gives it up. With it the library retries for as long as it takes.
type producer struct {
	*link
	cl      *kgo.Client
	topic   string
	mode    mode
	confirm time.Duration
	witness *witness

	mu      sync.Mutex
	closed  bool
	open    int        // attempts without an outcome
	overdue []*attempt // in the order of their deadlines; nil with idempotence
	idle    []chan struct{}
	stop    chan struct{}
	sweeper sync.WaitGroup
	closing sync.Once
}

type attempt struct {
	id       copyID
	done     func(targets.Outcome)
	deadline time.Time
	ended    bool // under the producer's mu
}

func newProducer(l *link, n names, m mode, c targets.ClientConfig) (*producer, error) {
	p := &producer{link: l, topic: n.topic, mode: m, confirm: c.Confirm, witness: newWitness(), stop: make(chan struct{})}
	l.watch = p.witness
	if m.acks == acksNone {
		l.renew = renewEvery
	}
	var err error
	if p.cl, err = l.open(producerOptions(m, c.Confirm)...); err != nil {
		return nil, err
	}
	if !m.idempotent {
		p.sweeper.Go(p.sweep)
	}
	return p, nil
}

// linger is what Java's producer waits for company since 4.0. Without it each message of a burst is a request of its own, and
// the brokers' processors, not their guarantees, are what a run tries.
const linger = 5 * time.Millisecond

// inFlight is how many produce requests may be on the way to a broker: the product's own default. The library's, where it is not idempotent, is
// one, so that a weaker guarantee would be the slower one. No order is promised there, and nothing is sent again by the library.
const inFlight = 5

// producerOptions are the mode's settings.
func producerOptions(m mode, confirm time.Duration) []kgo.Opt {
	opts := []kgo.Opt{
		kgo.RecordPartitioner(partitioner()),
		kgo.ProducerLinger(linger),
		kgo.ProducerBatchCompression(kgo.NoCompression()), // the store is read as it lies
		kgo.MaxBufferedRecords(mostBuffered),
		kgo.ProduceRequestTimeout(max(confirm, leastDelivery)),
	}
	if m.idempotent {
		return append(opts, kgo.RequiredAcks(kgo.AllISRAcks()), kgo.UnknownTopicRetries(-1))
	}
	required := map[acks]kgo.Acks{acksNone: kgo.NoAck(), acksLeader: kgo.LeaderAck(), acksAll: kgo.AllISRAcks()}[m.acks]
	return append(opts,
		kgo.RequiredAcks(required), kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(inFlight), kgo.RecordRetries(0), kgo.RecordDeliveryTimeout(max(confirm, leastDelivery)),
	)
}

// Send implements targets.Producer.
func (p *producer) Send(ctx context.Context, m targets.Message, done func(targets.Outcome)) {
	reject := func(r history.Reason) {
		done(targets.Outcome{Status: history.Rejected, Reason: r, Origin: history.FromClient})
	}
	if ctx.Err() != nil {
		reject(history.Interrupted)
		return
	}
	a := &attempt{id: p.witness.id(m.Token, m.Attempt), done: done, deadline: time.Now().Add(p.confirm + confirmGrace)}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		reject(history.NotConnected)
		return
	}
	bare := m.Token == "" // cannot be told from another: it is taken to be written
	if !bare && !p.witness.expect(a.id) {
		p.mu.Unlock()
		reject(history.InvalidMessage) // the same attempt twice at once: they could not be told apart
		return
	}
	p.open++
	if !p.mode.idempotent {
		p.overdue = append(p.overdue, a)
	}
	p.mu.Unlock()
	// The library keeps the record until it knows or gives up, whatever becomes of ctx.
	p.cl.TryProduce(context.Background(), encode(p.topic, m), func(r *kgo.Record, err error) {
		writes := 1
		if !bare {
			writes = p.witness.dismiss(a.id)
		}
		p.end(a, classify(p.mode, writes, r, err))
	})
}

// end tells an attempt's outcome, if it has none yet.
func (p *producer) end(a *attempt, o targets.Outcome) {
	p.mu.Lock()
	if a.ended {
		p.mu.Unlock()
		return
	}
	a.ended = true
	p.mu.Unlock()
	a.done(o)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open--; p.open == 0 {
		for _, c := range p.idle {
			close(c)
		}
		p.idle = nil
	}
}

// sweep ends attempts that are overdue. The library may still write them: unknown.
func (p *producer) sweep() {
	t := time.NewTicker(sweepEvery)
	defer t.Stop()
	for {
		select {
		case <-p.stop:
			return
		case now := <-t.C:
			for _, a := range p.expired(now) {
				p.end(a, targets.Outcome{Status: history.Unknown, Reason: history.Timeout, Origin: history.FromTimeout})
			}
		}
	}
}

func (p *producer) expired(now time.Time) (late []*attempt) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.overdue) > 0 && (p.overdue[0].ended || now.After(p.overdue[0].deadline)) {
		if !p.overdue[0].ended {
			late = append(late, p.overdue[0])
		}
		p.overdue[0] = nil
		p.overdue = p.overdue[1:]
	}
	return late
}

// Flush implements targets.Producer.
func (p *producer) Flush(ctx context.Context) error {
	p.mu.Lock()
	if p.open == 0 {
		p.mu.Unlock()
		return nil
	}
	c := make(chan struct{})
	p.idle = append(p.idle, c)
	n := p.open
	p.mu.Unlock()
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("kafka: flush of %d attempts: %w", n, ctx.Err())
	}
}

// Close implements targets.Producer. What is in flight becomes unknown, or rejected if it was never written.
func (p *producer) Close() error {
	var err error
	p.closing.Do(func() {
		p.mu.Lock()
		p.closed = true
		p.mu.Unlock()
		p.cl.Close() // ends every record; their promises may come a little later
		ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
		defer cancel()
		err = p.Flush(ctx)
		close(p.stop)
		p.sweeper.Wait()
	})
	return err
}
