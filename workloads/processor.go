package workloads

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sync/atomic"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/targets"
)

// ProcessorConfig says how one processor life works.
type ProcessorConfig struct {
	Life  history.Life
	Lane  uint32
	Stamp Stamp
	Load  experiment.Load // Withhold is the share of batches whose transaction is aborted on purpose
	// Batches is how many batches go into one transaction; 0 is one.
	Batches int
	Seed    uint64
}

// TransactionalConsumer is what a Processor speaks through.
type TransactionalConsumer interface {
	targets.Consumer
	targets.Transactor
}

// Processor is one member of a lane's consumer group that consumes, transforms and produces: for each batch one transaction of the broker's
// own, in which every message becomes an output message and the positions of the inputs are committed. A message is applied when its output
// is committed. Each message is processed while the transaction is open, after the output of the one before it was handed over.
type Processor struct {
	cfg      ProcessorConfig
	client   TransactionalConsumer
	rec      *history.Recorder // written by Run, and by the client while Run waits for it
	counters *history.Counters
	rng      *rand.Rand
	steady   atomic.Bool // probing is on
	number   uint64      // of the last transaction
	left     int         // of the round in which one transaction is aborted
	doom     int         // how many are left of it then
}

// NewProcessor makes a processor; Run starts it.
func NewProcessor(cfg ProcessorConfig, client TransactionalConsumer, rec *history.Recorder) *Processor {
	return &Processor{cfg: cfg, client: client, rec: rec, counters: rec.Counters(), rng: rand.New(rand.NewPCG(cfg.Seed, uint64(cfg.Life)))}
}

// Pause stops aborting transactions, so that the group can drain; deliveries go on. Resume allows it again.
func (p *Processor) Pause()  { p.steady.Store(false) }
func (p *Processor) Resume() { p.steady.Store(true) }

// Run works until ctx ends or the recorder fails.
func (p *Processor) Run(ctx context.Context) error {
	receiver := newReceiver(p.client, p.rec, p.cfg.Lane, p.cfg.Stamp, p.cfg.Load)
	for ctx.Err() == nil {
		t, err := receiver.receive(ctx)
		if err != nil {
			return err
		}
		if len(t.ds) == 0 {
			continue
		}
		if err := p.transact(ctx, t.ds, t.msgs); err != nil {
			return err
		}
	}
	return nil
}

// transaction is one under way: what its callbacks record. An error of the recorder is kept.
type transaction struct {
	*Processor
	inputs []targets.Delivery
	msgs   []history.Msg
	commit bool
	over   int  // outputs handed over
	ending bool // the end was called
	err    error
}

func (p *Processor) transact(ctx context.Context, ds []targets.Delivery, msgs []history.Msg) error {
	p.number++
	t := &transaction{Processor: p, inputs: ds, msgs: msgs}
	t.commit = !p.steady.Load() || !p.doomed()
	t.put(history.Event{Kind: history.TxnBegin})
	outputs := make([]targets.Message, len(ds))
	for i, d := range ds {
		outputs[i] = targets.Message{Token: d.Token, Attempt: d.Attempt, Key: d.Key, Payload: d.Payload}
	}
	t.each(step{kind: history.TxnMember}, step{kind: history.ApplyBegin})
	if t.err != nil {
		return t.err
	}
	p.counters.Store(history.InTransaction, 1)
	process(ctx, p.cfg.Load.Processing)
	end := p.client.Transact(ctx, targets.Transaction{ID: fmt.Sprintf("%d/%d", p.cfg.Life, p.number), Inputs: ds, Outputs: outputs, Abort: !t.commit,
		Output: func() { t.output(ctx) }, Ending: t.end})
	t.ended(end)
	p.counters.Store(history.InTransaction, 0)
	p.counters.Add(history.AppliedUnacked, -uint64(t.over))
	p.counters.Add(history.Held, -uint64(len(ds)))
	return t.err
}

// doomed reports whether the next transaction is one to abort on purpose: one in every round of as many as the share says, so that no
// stretch of a run goes without for long. Which one follows the seed.
func (p *Processor) doomed() bool {
	share := p.cfg.Load.Withhold * float64(max(1, p.cfg.Batches))
	if share <= 0 {
		return false
	}
	if p.left == 0 {
		p.left = max(1, int(math.Round(1/share)))
		p.doom = p.rng.IntN(p.left)
	}
	p.left--
	return p.left == p.doom
}

// output counts an output that was handed over, and processes the next message.
func (t *transaction) output(ctx context.Context) {
	t.over++
	t.counters.Add(history.AppliedUnacked, 1)
	if t.over < len(t.inputs) {
		process(ctx, t.cfg.Load.Processing)
	}
}

// end records that the end is about to be called.
func (t *transaction) end() {
	t.ending = true
	e := history.Event{Kind: history.TxnEnd}
	if t.commit {
		e.Flags = history.Commit
		t.each(step{kind: history.AckCalled, flags: history.Commit})
	}
	t.put(e)
}

// ended records how the transaction ended, and with it each of its effects and acknowledgements.
func (t *transaction) ended(end targets.TransactionEnd) {
	e := history.Event{Kind: history.TxnOutcome, Status: end.Status, Reason: end.Reason, Text: end.Text}
	applied, acked := history.Unknown, history.Unknown
	switch end.Status {
	case history.OK:
		applied, acked = history.OK, history.Confirmed
		t.counters.Add(history.Applied, uint64(len(t.inputs)))
		t.counters.Add(history.AckedByConsumer, uint64(len(t.inputs)))
	case history.Aborted, history.Fenced:
		applied, acked = history.Failed, history.Failed
		if !t.commit && e.Reason == history.NoReason {
			e.Reason = history.Withheld
		}
	}
	t.put(e)
	if t.ending && t.commit {
		t.each(step{kind: history.ApplyEnd, status: applied}, step{kind: history.AckOutcome, status: acked})
		return
	}
	t.each(step{kind: history.ApplyEnd, status: applied})
}

// step is what is recorded of each input of a transaction.
type step struct {
	kind   history.Kind
	status history.Status
	flags  history.Flags
}

// each records steps of every input, one input after another, with one look at the clock: they all begin now, or were over by now.
func (t *transaction) each(steps ...step) {
	from, until := t.rec.Now(), t.rec.Until()
	for i := range t.inputs {
		d := &t.inputs[i]
		for _, s := range steps {
			e := history.Event{Kind: s.kind, Time: until, Msg: t.msgs[i], Pos: d.Pos, Tag: d.Tag, Status: s.status, Flags: s.flags}
			if s.kind.IsInvocation() {
				e.Time = from
			}
			t.put(e)
		}
	}
}

func (t *transaction) put(e history.Event) {
	e.Lane, e.Txn = t.cfg.Lane, t.number
	if t.err == nil {
		t.err = t.rec.Record(&e)
	}
}
