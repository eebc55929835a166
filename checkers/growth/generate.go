package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// The lives of a history.
const (
	controller history.Life = iota + 1
	producers               // and one more
	_
	consumers // and one more
	_
	ledger
	inspector
)

// both is how many producers there are, and how many consumers.
const both = 2

// run is the name that tokens of these histories would bear.
const run = "growth00"

// firstOffset is where each partition begins: offsets are large, and nothing may depend on it.
const firstOffset = 1_000_000_000_000

// A profile says which events a message has.
type profile struct {
	name string
	mode semantics.Mode
	long bool
}

// profileOf finds a profile by its name.
func profileOf(name string) (profile, error) {
	stored := semantics.Promise{Stage: semantics.Stored, Guarantee: semantics.AtLeastOnce, Ordered: true}
	applied := semantics.Promise{Stage: semantics.Applied, Guarantee: semantics.ExactlyOnce}
	switch name {
	case "short":
		applied.Guarantee = semantics.AtLeastOnce
		return profile{name: name, mode: semantics.Mode{Name: name, Promises: []semantics.Promise{applied},
			Traits: semantics.Traits{Confirms: true, Drainable: true}}}, nil
	case "long":
		return profile{name: name, long: true, mode: semantics.Mode{Name: name, Promises: []semantics.Promise{stored, applied},
			Traits: semantics.Traits{Confirms: true, Acks: true, ConfirmsAcks: true, Scannable: true, DedupEffect: true}}}, nil
	}
	return profile{}, fmt.Errorf("growth: there is no profile %q: choose short or long", name)
}

// experiment is the experiment that such a history would be of.
func (p profile) experiment() experiment.Experiment {
	return experiment.Experiment{Run: run, Lanes: []experiment.Lane{{Name: p.name, Mode: p.mode, Producers: both, Consumers: both}}}
}

// fate is what becomes of a message, decided by its name and the seed.
type fate struct {
	rejected bool
	unknown  bool // its first attempt's outcome
	retried  bool // and acknowledged then
	stored   bool
	again    bool // delivered twice
}

func (g *generator) fate(m history.Msg) fate {
	h := mix(g.seed ^ mix(uint64(m.Life)<<48^m.Seq))
	f := fate{stored: true, again: h>>32%200 == 0}
	switch n := h % 1000; {
	case n == 0:
		f.rejected, f.stored = true, false
	case n <= 10:
		f.unknown = true
		switch h >> 16 % 20 {
		case 0:
			f.stored = false
		case 1:
		default:
			f.retried = true
		}
	}
	f.again = f.again && f.stored
	return f
}

// mix is the finalizer of SplitMix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// later is something that happens to a message after others had their turn.
type later struct {
	at  int64
	msg history.Msg
	key uint32
	off int64
}

// A generator records one history. All times are made: a message every twenty ticks, fifty thousand a second.
type generator struct {
	profile
	seed     uint64
	messages uint64
	events   int64
	want     semantics.Ledger

	ctl, effects, scans *history.Recorder
	sends, outcomes     [both]*history.Recorder
	received            [both]*history.Recorder
	expire, resend      [both][]later // attempts without an outcome, and their retries
	redeliver           []later
	offsets             [both]int64
	end                 int64
	err                 error
}

// generate records a history of a number of messages below dir and returns how many events it has, and what the audit must count.
func generate(dir string, p profile, seed, messages uint64) (events int64, want semantics.Ledger, err error) {
	g := &generator{profile: p, seed: seed, messages: messages}
	recorders, err := g.open(dir)
	if err == nil {
		g.load()
		g.checkpoint()
		err = g.err
	}
	for _, r := range recorders {
		err = errors.Join(err, r.Close())
	}
	return g.events, g.want, err
}

func (g *generator) open(dir string) (all []*history.Recorder, err error) {
	create := func(to **history.Recorder, life history.Life, role, goroutine string) {
		if err != nil {
			return
		}
		path := filepath.Join(dir, fmt.Sprintf("%02d-%s%s", life, goroutine, history.Extension))
		if *to, err = history.Create(path, history.Header{Life: life, Run: run, Role: role, Goroutine: goroutine}); err == nil {
			all = append(all, *to)
		}
	}
	create(&g.ctl, controller, "controller", "control")
	for i := range both {
		create(&g.sends[i], producers+history.Life(i), "producer", "send")
		create(&g.outcomes[i], producers+history.Life(i), "producer", "outcome")
		create(&g.received[i], consumers+history.Life(i), "consumer", "receive")
	}
	create(&g.effects, ledger, "ledger", "readback")
	if g.long {
		create(&g.scans, inspector, "inspector", "scan")
	}
	return all, err
}

func (g *generator) put(r *history.Recorder, at int64, e history.Event) {
	e.Time = at
	g.events++
	g.end = max(g.end, at)
	if err := r.Record(&e); err != nil && g.err == nil {
		g.err = fmt.Errorf("growth: record: %w", err)
	}
}

// load is the messages' lives.
func (g *generator) load() {
	now := history.FloorTicks(history.Clock()) + 60*history.TicksPerSecond // after the clock checks that begin each segment
	for i, role := range []string{"controller", "producer", "producer", "consumer", "consumer", "ledger", "inspector"} {
		g.put(g.ctl, now, history.Event{Kind: history.LifeStart, Other: controller + history.Life(i), Name: role, Text: role})
	}
	g.put(g.ctl, now+1, history.Event{Kind: history.EpisodeBegin, Ref: 1, Name: "final"})
	now += 100
	for i := range g.messages {
		p := i % both
		now += 20
		g.late(p, now)
		m := history.Msg{Life: producers + history.Life(p), Seq: i/both + 1}
		g.message(p, m, now)
	}
	for p := range uint64(both) {
		g.late(p, now+10*history.TicksPerSecond)
	}
	g.end += history.TicksPerSecond
}

// latency is how long an answer takes: some hundred ticks, more now and then.
func (g *generator) latency(m history.Msg) int64 {
	h := mix(g.seed + m.Seq*both + uint64(m.Life))
	if h>>40%64 == 0 {
		return 3000
	}
	return 300 + int64(h%400)
}

func (g *generator) message(p uint64, m history.Msg, now int64) {
	f := g.fate(m)
	key := uint32(m.Seq % 16)
	g.put(g.sends[p], now, history.Event{Kind: history.Send, Msg: m, Attempt: 1, Session: 1, Key: key})
	g.want.Sent++
	g.want.Attempts++
	off := int64(0)
	if f.stored {
		g.offsets[p]++
		off = firstOffset + g.offsets[p]
	}
	answer := now + g.latency(m)
	switch {
	case f.unknown:
		g.expire[p] = append(g.expire[p], later{now + 5000, m, key, off})
	case f.rejected:
		g.want.Rejected++
		g.put(g.outcomes[p], answer, history.Event{Kind: history.Outcome, Msg: m, Attempt: 1, Status: history.Rejected, Reason: history.BrokerError, Origin: history.FromBroker})
	default:
		g.want.Acked++
		g.put(g.outcomes[p], answer, g.acked(p, m, 1, off))
	}
	if !f.stored {
		return
	}
	g.want.Delivered++
	g.want.Applied++
	if f.retried || !f.unknown {
		g.want.AckedApplied++
	}
	to := (m.Seq/50 + p) % both
	at := answer + 200 + int64(to)*20_000 // one consumer lags
	g.delivery(to, m, p, off, at, !f.again, false)
	if f.again {
		g.redeliver = append(g.redeliver, later{at + 50_000, m, uint32(both - 1 - to), off})
	}
}

func (g *generator) acked(p uint64, m history.Msg, attempt uint32, off int64) history.Event {
	return history.Event{Kind: history.Outcome, Msg: m, Attempt: attempt, Status: history.Acked, Origin: history.FromBroker,
		Pos: history.Position{Partition: uint32(p), Offset: off}}
}

// delivery is what a consumer does with a copy.
func (g *generator) delivery(to uint64, m history.Msg, p uint64, off, at int64, confirmed, again bool) {
	r, pos := g.received[to], history.Position{Partition: uint32(p), Offset: off}
	e := history.Event{Kind: history.Delivery, Msg: m, Pos: pos, Count: 1}
	status := history.OK
	if again {
		e.Flags, e.Count, status = history.Redelivered, 2, history.DedupHit
	}
	g.put(r, at, e)
	if !g.long {
		return
	}
	g.put(r, at, history.Event{Kind: history.ApplyBegin, Msg: m, Pos: pos})
	g.put(r, at+1, history.Event{Kind: history.ApplyEnd, Msg: m, Pos: pos, Status: status})
	g.put(r, at+1, history.Event{Kind: history.AckCalled, Msg: m, Pos: pos})
	if confirmed {
		g.put(r, at+2, history.Event{Kind: history.AckOutcome, Msg: m, Pos: pos, Status: history.Confirmed})
	} else {
		g.put(r, at+2, history.Event{Kind: history.AckOutcome, Msg: m, Pos: pos, Status: history.Unknown, Reason: history.Timeout})
	}
}

// late lets happen what is due.
func (g *generator) late(p uint64, now int64) {
	for len(g.expire[p]) > 0 && g.expire[p][0].at <= now {
		x := g.expire[p][0]
		g.expire[p] = g.expire[p][1:]
		g.put(g.outcomes[p], x.at, history.Event{Kind: history.Outcome, Msg: x.msg, Attempt: 1, Status: history.Unknown, Reason: history.Timeout, Origin: history.FromTimeout})
		switch f := g.fate(x.msg); {
		case f.retried:
			g.want.Attempts++
			g.put(g.sends[p], x.at+1, history.Event{Kind: history.Send, Msg: x.msg, Attempt: 2, Session: 1, Key: x.key})
			x.at += 500
			g.resend[p] = append(g.resend[p], x)
		case !f.stored:
			g.want.Missing++
			fallthrough
		default:
			g.want.Unknown++
		}
	}
	for len(g.resend[p]) > 0 && g.resend[p][0].at <= now {
		x := g.resend[p][0]
		g.resend[p] = g.resend[p][1:]
		g.want.Acked++
		g.put(g.outcomes[p], x.at, g.acked(p, x.msg, 2, x.off))
	}
	for len(g.redeliver) > 0 && g.redeliver[0].at <= now {
		x := g.redeliver[0]
		g.redeliver = g.redeliver[1:]
		g.want.Redeliveries++
		if g.long {
			g.want.DedupEffect++
		}
		g.delivery(uint64(x.key), x.msg, uint64(x.msg.Life-producers), x.off, x.at, true, true)
	}
}

// checkpoint is the scans, where there are any, and the readback.
func (g *generator) checkpoint() {
	const ref = 1
	now := g.end
	if g.long {
		g.want.Observable = true
		g.want.Stored = g.offsets[0] + g.offsets[1]
		for tag := uint64(1); tag <= 2; tag++ {
			for p := range uint64(both) {
				g.put(g.scans, now, history.Event{Kind: history.ScanBegin, Ref: ref, Tag: tag, Name: "replica",
					Pos: history.Position{Partition: uint32(p)}, From: firstOffset + 1, To: firstOffset + g.offsets[p]})
			}
			now = g.applied(now, func(p uint64, m history.Msg, off, at int64) {
				g.put(g.scans, at, history.Event{Kind: history.Copy, Tag: tag, Msg: m, Pos: history.Position{Partition: uint32(p), Offset: off}})
			})
			g.put(g.scans, now, history.Event{Kind: history.ScanEnd, Ref: ref, Tag: tag, Status: history.OK})
		}
	}
	now = g.applied(now, func(p uint64, m history.Msg, off, at int64) {
		g.put(g.effects, at, history.Event{Kind: history.Readback, Ref: ref, Msg: m, Count: 1})
	})
	g.put(g.effects, now, history.Event{Kind: history.ReadbackEnd, Ref: ref, Status: history.OK})
	g.put(g.ctl, now+10, history.Event{Kind: history.CheckpointEnd, Ref: ref, Status: history.OK})
	g.put(g.ctl, now+20, history.Event{Kind: history.EpisodeEnd, Ref: ref})
}

// applied calls back for every message that was stored, in the order of sends: two of them a tick.
func (g *generator) applied(now int64, put func(p uint64, m history.Msg, off, at int64)) int64 {
	var offsets [both]int64
	for i := range g.messages {
		p := i % both
		m := history.Msg{Life: producers + history.Life(p), Seq: i/both + 1}
		if !g.fate(m).stored {
			continue
		}
		offsets[p]++
		now += int64(i & 1)
		put(p, m, firstOffset+offsets[p], now)
	}
	return now + 1
}
