package checkertest

import (
	"strings"

	"waybill/harness/history"
)

// strike plays a fault: it waits for its trigger, strikes, is observed and recovers.
func (w *world) strike(fault string) {
	strikes := 1
	if fault == "kill-consumer" && w.opts.Strikes > 0 {
		strikes = w.opts.Strikes
	}
	for range strikes {
		w.trigger()
		w.ctl(history.Event{Kind: history.FaultInject, Name: fault, Text: "victims of " + fault})
		for _, q := range w.lanes {
			q.struck(fault)
		}
		w.ctl(history.Event{Kind: history.FaultInjected})
		w.ctl(history.Event{Kind: history.FaultObserved, Status: history.OK, Count: 1})
		for _, q := range w.lanes {
			q.under(fault)
		}
	}
	w.ctl(history.Event{Kind: history.FaultRecover})
	for _, q := range w.lanes {
		q.after(fault)
	}
	w.ctl(history.Event{Kind: history.FaultVerified, Status: history.OK})
}

// trigger sees to it that something is in flight everywhere: an open send, and a delivery held by the first consumer.
func (w *world) trigger() {
	for _, q := range w.lanes {
		for _, p := range q.producers {
			q.flush(p)
			q.send(p)
			q.send(p)
		}
		c := q.consumers[0]
		for try := 0; len(c.held)+len(c.inputs) == 0 && try < 50; try++ {
			q.send(q.producers[0])
			q.receive(c, 1)
		}
		if q.traits.Transactional && len(c.inputs) == 0 {
			q.open(c)
		}
	}
}

// struck is the instant of the strike on one lane.
func (q *queue) struck(fault string) {
	switch fault {
	case "kill-consumer", "pause-consumer":
		c := q.consumers[0]
		q.w.ctl(history.Event{Kind: history.FaultVictim, Other: c.life, Name: c.host, Lane: q.lane})
		if fault == "pause-consumer" {
			c.paused = true
			q.expire(c)
			return
		}
		if q.traits.AcksFirst {
			q.commit(c, false) // acknowledged, and never to be applied
		}
		q.w.kill(c.life)
		q.expire(c)
		q.write(c, false)
		c.held, c.inputs = nil, nil
	case "kill-producer":
		p := q.producers[0]
		q.w.ctl(history.Event{Kind: history.FaultVictim, Other: p.life, Name: p.host, Lane: q.lane})
		q.w.kill(p.life)
		p.open = nil
	}
}

// under is what happens while the fault lasts, or in the moments after a kill.
func (q *queue) under(fault string) {
	if fault == "kill-consumer" {
		c := q.consumers[0]
		q.receive(q.consumers[1], q.waiting())
		c.life, c.call = q.w.life("consumer", c.host, q.lane), 0
		q.rebalance()
		return
	}
	if fault == "kill-producer" {
		p := q.producers[0]
		p.life, p.next = q.w.life("producer", p.host, q.lane), 0
	}
	if strings.HasSuffix(fault, "-leader") {
		q.elect()
	}
	trouble := fault == "lose-confirms" || fault == "cut-clients" || strings.HasSuffix(fault, "-leader")
	for range q.w.opts.Messages / 2 {
		q.step(trouble)
	}
	q.dedups()
	if fault == "pause-consumer" {
		q.receive(q.consumers[1], q.waiting())
	}
}

// after is what happens once recovery has begun: a paused consumer wakes and goes on with what it held.
func (q *queue) after(fault string) {
	c := q.consumers[0]
	if fault == "pause-consumer" {
		c.paused = false
		q.fence(c)
		q.told(c)
		if q.traits.Transactional || q.traits.AcksFirst {
			c.held = nil // the group told it that these are others' now
		}
		c.stale = q.traits.Exclusive
		for len(c.held) > 0 {
			q.process(c, false)
		}
		c.stale = false
		q.rebalance()
	}
	for range q.w.opts.Messages / 3 {
		q.step(false)
	}
}

// dedups makes sure that the store deduplicated something since the strike: a confirmation is lost and the message sent again.
func (q *queue) dedups() {
	p := q.producers[1]
	if q.traits.Session {
		q.resend = true
		for before := len(q.log); len(q.log) == before; {
			q.send(p)
			q.flush(p)
		}
		q.resend = false
	}
	if !q.traits.DedupStore {
		return
	}
	for {
		q.flush(p)
		q.send(p)
		a := p.open[0]
		if a.at < 0 {
			continue
		}
		p.open = nil
		q.put(p.life, history.Event{Kind: history.Outcome, Msg: a.msg, Attempt: a.n, Status: history.Unknown, Reason: history.Timeout, Origin: history.FromTimeout})
		a.n++
		q.publish(p, a, 0)
		q.flush(p)
		return
	}
}

func (q *queue) flush(p *producer) {
	for len(p.open) > 0 {
		q.resolve(p, false)
	}
}

// heal serves a sentinel: a send that is acknowledged and delivered. Where effects are deduplicated it also withholds one
// acknowledgement, so that the ledger was asked twice since the strike.
func (q *queue) heal() {
	p := q.producers[0]
	q.flush(p)
	q.receive(q.consumers[1], q.waiting())
	for before := len(q.log); len(q.log) == before && !q.unroutable; {
		q.send(p)
		q.flush(p)
	}
	c := q.latest()
	q.receive(c, q.waiting())
	if q.traits.Transactional && len(c.held)+len(c.inputs) > 0 {
		if len(c.inputs) == 0 {
			q.open(c)
		}
		q.close(c, false, true)
		q.receive(c, q.waiting())
	}
	if !q.traits.DedupEffect {
		return
	}
	for len(c.held) > 0 {
		q.withhold = len(c.held) == 1
		q.process(c, false)
	}
	q.withhold = false
	q.receive(c, q.waiting())
}
