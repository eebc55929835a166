package nats

import (
	"context"
	"sync"
	"sync/atomic"

	"waybill/harness/history"
	"waybill/targets"
)

// bursts publishes what nobody confirms, many at once: those that are handed over one right after another are one request, which ends when
// the last of them was. With a request for each of them, half of a client's work was to keep account of requests.
type bursts struct {
	*publisher
	spare sync.Pool // of *burst
}

// burstMost is how many messages one request has at most: what ends it before its time ends them all.
const burstMost = 128

// burst is messages that were sent at once.
type burst struct {
	from  int // place of the first in what was sent
	msgs  []targets.Message
	done  func([]targets.Ended)
	ended []targets.Ended // as they are handed over: the writer's
	over  atomic.Bool     // it ended before all were
	spare *sync.Pool      // where it goes when nobody needs it
}

// SendBatch implements targets.BatchProducer.
func (p *bursts) SendBatch(ctx context.Context, ms []targets.Message, done func([]targets.Ended)) {
	for from := 0; from < len(ms); from += burstMost {
		b, ok := p.spare.Get().(*burst)
		if !ok {
			b = new(burst)
		}
		b.from, b.done, b.ended, b.spare = from, done, b.ended[:0], &p.spare
		b.msgs = append(b.msgs[:0], ms[from:min(from+burstMost, len(ms))]...)
		p.submit(ctx, outgoing{burst: b}, b.all)
	}
}

// all ends every message in one way.
func (b *burst) all(o targets.Outcome) {
	b.over.Store(true)
	list := make([]targets.Ended, len(b.msgs))
	for i := range list {
		list[i] = targets.Ended{Index: b.from + i, Outcome: o}
	}
	b.done(list)
}

// publishBurst hands the messages of a burst over until they have ended for another reason.
func (p *publisher) publishBurst(id uint64, b *burst) {
	if !p.pending.hand(id) {
		return
	}
	for i := range b.msgs {
		if b.over.Load() {
			return
		}
		o := targets.Outcome{Status: history.Unknown, Reason: history.NoConfirmation, Origin: history.FromClient}
		if err := p.nc.PublishMsg(p.encoder.encode(b.msgs[i])); err != nil {
			o = classifyPublish(err)
		}
		b.ended = append(b.ended, targets.Ended{Index: b.from + i, Outcome: o})
	}
	if p.pending.endBy(id, func() { b.done(b.ended) }) {
		b.spare.Put(b) // nobody else has it any more
	}
}
