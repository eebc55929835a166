package workloads

import (
	"waybill/harness/history"
	"waybill/targets"
)

// outcome is how one attempt ended.
type outcome struct {
	seq     uint64
	attempt uint32
	doubt   bool
	targets.Outcome
}

// resolve takes the outcome of an attempt, from any goroutine.
func (p *Producer) resolve(x outcome) {
	if p.ended.add(x) {
		p.settle()
	}
}

// resolveAll takes outcomes of first attempts with messages from seq on, and records them together at once.
func (p *Producer) resolveAll(seq uint64, list []targets.Ended) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told = p.told[:0]
	for i := range list {
		p.told = append(p.told, outcome{seq: seq + uint64(list[i].Index), attempt: 1, Outcome: list[i].Outcome})
	}
	p.record(p.told)
}

// settle records what has ended, and then does what follows from it.
func (p *Producer) settle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.record(p.ended.take())
}

// record records outcomes that are known by now, and then does what follows from them. It is called under mu.
func (p *Producer) record(list []outcome) {
	if len(list) == 0 {
		return
	}
	e := history.Event{Kind: history.Outcome, Time: p.outcomes.Until(), Lane: p.cfg.Lane, Msg: history.Msg{Life: p.cfg.Life}}
	plain := !p.cfg.Doubt // nothing follows from an acknowledgement
	var acked, rejected, unknown uint64
	for from := 0; from < len(list); {
		// Most are alike but for message and position, which come one right after another: those are recorded as one run.
		x := &list[from]
		to := from + 1
		for to < len(list) && list[to].follows(&list[to-1]) {
			to++
		}
		e.Msg.Seq, e.Pos = x.seq, x.Pos
		e.Attempt, e.Status, e.Reason, e.Origin, e.Flags = x.attempt, x.Status, x.Reason, x.Origin, x.Flags
		if err := p.outcomes.RecordRun(&e, to-from); err != nil {
			p.err = err
			p.nudge()
			return
		}
		switch alike := uint64(to - from); x.Status {
		case history.Acked:
			acked += alike
		case history.Rejected:
			rejected += alike
		default:
			unknown += alike
		}
		if plain && x.Status == history.Acked && !x.doubt {
			p.window.open -= to - from
			from = to
		}
		for ; from < to; from++ {
			p.conclude(&list[from])
		}
	}
	for _, c := range [...]struct {
		of history.Counter
		n  uint64
	}{{history.AckedSends, acked}, {history.RejectedSends, rejected}, {history.UnknownOutcomes, unknown}, {history.InFlight, -uint64(len(list))}} {
		if c.n != 0 {
			p.counters.Add(c.of, c.n)
		}
	}
	if p.window.freed() {
		p.nudge() // Run waits for room
	}
}

// follows reports whether x is the outcome of the message after that of before, in the place after it, and otherwise the same.
func (x *outcome) follows(before *outcome) bool {
	return x.seq == after(before.seq) && comesAfter(&x.Pos, &before.Pos) && x.doubt == before.doubt &&
		x.attempt == before.attempt && x.Status == before.Status && x.Reason == before.Reason && x.Origin == before.Origin && x.Flags == before.Flags
}
