package story

import (
	"slices"

	"waybill/harness/history"
	"waybill/harness/semantics"
)

// maxYounger bounds how many later messages of one key are watched for one that overtakes.
const maxYounger = 1024

// passing looks for the other message that proves an order broken: the one that a consumer was given before, the ones between which it
// was to be given this one, the later one that overtook it, the one beyond it in its partition. Each costs a look at every event of a
// kind, so that it is done only for messages of findings that need it.
type passing struct {
	steps, gaps, overtaken, beyond []*tale // for nonmonotonic, skipped, reordered in delivery, nonlinear

	given    map[holding]spot
	jumps    []jump
	furthest map[slot]*elder // offset 0: by lane and partition
}

// holding is one consumer's partition, and spot what it was given there.
type holding struct {
	life      history.Life
	partition uint32
}

type spot struct {
	msg history.Msg // none: an assignment begins behind pos
	pos history.Position
}

// jump is a delivery that does not lie next to the one before it. Whether it passed over a message is known once that one's place is.
type jump struct {
	at       int64
	lane     int
	life     history.Life
	from, to spot
}

// watch sorts a tale in by what its findings need.
func (p *pass) watch(t *tale) {
	for _, f := range p.findings(t) {
		switch define(f.Anomaly).words {
		case define("nonmonotonic").words:
			p.passing.steps = append(p.passing.steps, t)
		case define("skipped").words:
			p.passing.gaps = append(p.passing.gaps, t)
		case define("reordered in delivery").words:
			p.passing.overtaken = append(p.passing.overtaken, t)
		case define("nonlinear").words:
			p.passing.beyond = append(p.passing.beyond, t)
		}
	}
}

func (p *pass) pass(e *history.Event, lane int) {
	x := &p.passing
	switch {
	case e.Kind == history.Send && len(x.overtaken)+len(x.beyond) > 0:
		x.sent(e, lane, p.byMsg[e.Msg])
	case e.Kind == history.Outcome && len(x.beyond) > 0 && e.Status == history.Acked && e.Pos.Offset != 0:
		k := slot{lane: lane, partition: e.Pos.Partition}
		if f := x.furthest[k]; f == nil || f.pos.Offset < e.Pos.Offset {
			x.furthest[k] = &elder{msg: e.Msg, pos: e.Pos, at: e.Time}
		}
	case e.Kind == history.Delivery:
		p.given(e, lane)
	case e.Kind == history.Assign && e.Pos.Offset > 0:
		from := e.Pos
		from.Offset--
		x.given[holding{e.Life, e.Pos.Partition}] = spot{pos: from}
	case e.Kind == history.Assign, e.Kind == history.Seek, e.Kind == history.Reset:
		delete(x.given, holding{e.Life, e.Pos.Partition})
	}
}

func (x *passing) sent(e *history.Event, lane int, t *tale) {
	k := orderKey{e.Msg.Life, e.Session, e.Key}
	for _, o := range x.overtaken {
		switch {
		case o == t:
			o.key = k
		case o.key == k && o.counts.deliveries == 0 && len(o.younger) < maxYounger:
			if o.younger == nil {
				o.younger = map[history.Msg]bool{}
			}
			o.younger[e.Msg] = true
		}
	}
	for _, o := range x.beyond {
		if o != t || o.beyond != nil {
			continue
		}
		o.beyond = map[uint32]*elder{}
		for at, f := range x.furthest {
			if at.lane == lane && f.at < e.Time {
				o.beyond[at.partition] = f
			}
		}
	}
}

// given compares a delivery with the one before it to the same consumer.
func (p *pass) given(e *history.Event, lane int) {
	x := &p.passing
	if len(x.steps)+len(x.gaps)+len(x.overtaken) == 0 {
		return
	}
	say := func(t *tale, other spot, what string) {
		if len(t.displ) < maxBeside && !t.displ[other.msg] {
			t.displ[other.msg] = true
			t.add(&line{Line: Line{At: e.Time - p.origin, Act: Displaced, Who: p.around.lives.name(e.Life), What: what}, life: e.Life})
		}
	}
	k := holding{e.Life, e.Pos.Partition}
	before, known := x.given[k]
	for _, t := range x.steps {
		if t.ask.Msg == e.Msg && known && before.msg.Life != 0 && before.pos.Offset >= e.Pos.Offset {
			say(t, before, "was given "+before.msg.Prefix(p.in.Verdict.Run)+" at "+place(before.pos)+" before")
		}
	}
	if len(x.gaps) > 0 && known && before.pos.Offset+1 < e.Pos.Offset && len(x.jumps) < maxAround {
		x.jumps = append(x.jumps, jump{at: e.Time, lane: lane, life: e.Life, from: before, to: spot{e.Msg, e.Pos}})
	}
	for _, t := range x.overtaken {
		if t.younger[e.Msg] && t.counts.deliveries == 0 {
			say(t, spot{e.Msg, e.Pos}, "is given "+e.Msg.Prefix(p.in.Verdict.Run)+", of the same key and session and sent later, before this message")
		}
	}
	if e.Pos.Offset > 0 {
		x.given[k] = spot{e.Msg, e.Pos}
	}
}

// jumped tells which deliveries passed over a message.
func (p *pass) jumped(t *tale) {
	if !slices.Contains(p.passing.gaps, t) {
		return
	}
	n := 0
	for _, j := range p.passing.jumps {
		for at := range t.at {
			if j.lane != t.lane || at.Partition != j.to.pos.Partition || at.Offset <= j.from.pos.Offset || j.to.pos.Offset <= at.Offset || n == maxBeside {
				continue
			}
			n++
			last := "the last before it was at " + place(j.from.pos)
			if j.from.msg.Life == 0 {
				last = "the first one since it was assigned the partition from position " + number(j.from.pos.Offset+1)
			}
			t.add(&line{Line: Line{At: j.at - p.origin, Act: Displaced, Who: p.around.lives.name(j.life), What: "is given " + j.to.msg.Prefix(p.in.Verdict.Run) +
				" at " + place(j.to.pos) + ", " + last + ": this message, at " + place(at) + ", lies between"}, life: j.life})
			break
		}
	}
}

// elders are the messages that lie beyond this one though they were acknowledged before this one was sent.
func (t *tale) elders(p *pass, findings []semantics.Finding) {
	said := false
	behind := func(e *elder, what string) {
		for pos := range t.at {
			if !said && e != nil && pos.Partition == e.pos.Partition && pos.Offset < e.pos.Offset {
				said = true
				t.add(&line{Line: Line{At: e.at - p.origin, Act: Displaced, Who: e.msg.Prefix(p.in.Verdict.Run),
					What: what + " acknowledged at " + place(e.pos) + " before this message was first sent"}})
			}
		}
	}
	for _, f := range findings {
		switch define(f.Anomaly).words {
		case define("reordered").words:
			behind(t.floor, "of the same key and session,")
		case define("nonlinear").words:
			for pos := range t.at {
				behind(t.beyond[pos.Partition], "of the same partition,")
			}
		}
	}
}
