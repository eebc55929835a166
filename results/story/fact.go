package story

import (
	"iter"
	"maps"
	"strings"

	"waybill/harness/history"
)

// maxFacts bounds how many messages are grouped.
const maxFacts = 2_000_000

// groups collects what grouping needs to know.
type groups struct {
	in      Input
	of      map[int][]history.Msg // by finding, in order
	facts   map[history.Msg]*fact
	left    int64 // named, and beyond maxFacts
	extents map[stream]extent
	asOf    []map[stream]extent // by strike: when it struck
}

// fact is what is known of one message. Times are absolute; 0: never.
type fact struct {
	lane              int
	sent, acked       int64
	partition         uint32
	offset            int64
	led               string // who led the partition when it was acknowledged
	delivered, again  int64
	called            int64
	applied, once     int64 // the latest end of applying, the first
	by, caller, apply history.Life
}

// stream is a partition of a lane, or, where there are no positions, what one producer sends.
type stream struct {
	lane      int
	partition uint32
	life      history.Life
}

type extent struct{ from, to int64 }

func newGroups(in Input, of func(int) iter.Seq[history.Msg]) *groups {
	g := &groups{in: in, of: map[int][]history.Msg{}, facts: map[history.Msg]*fact{}, extents: map[stream]extent{}}
	for _, f := range in.Verdict.Findings {
		for m := range of(f.ID) {
			if g.facts[m] == nil {
				if len(g.facts) >= maxFacts {
					g.left++
					continue
				}
				g.facts[m] = &fact{lane: -1}
			}
			g.of[f.ID] = append(g.of[f.ID], m)
		}
	}
	return g
}

func (g *groups) see(e *history.Event, lane int, a *around) {
	if g == nil {
		return
	}
	switch e.Kind {
	case history.FaultInject:
		now := maps.Clone(g.extents)
		for len(g.asOf) < len(a.strikes) {
			g.asOf = append(g.asOf, now)
		}
		return
	case history.Send:
		g.extend(stream{lane: lane, life: e.Msg.Life}, int64(e.Msg.Seq))
	case history.Outcome:
		if e.Status == history.Acked && e.Pos.Offset > 0 {
			g.extend(stream{lane: lane, partition: e.Pos.Partition}, e.Pos.Offset)
		}
	case history.Delivery, history.AckCalled, history.ApplyEnd, history.Copy:
	default:
		return
	}
	f := g.facts[e.Msg]
	if f == nil {
		return
	}
	switch e.Kind {
	case history.Send:
		if f.sent == 0 {
			f.sent = e.Time
		}
		f.lane = lane
	case history.Outcome:
		if e.Status == history.Acked && f.acked == 0 {
			f.acked = e.Time
			f.place(e.Pos)
			f.led = a.leaders[seat{lane, "queue", f.partition}].node
		}
	case history.Delivery:
		if f.lane < 0 {
			f.lane = lane
		}
		if f.delivered == 0 {
			f.delivered = e.Time
		}
		f.again, f.by = e.Time, e.Life
		f.place(e.Pos)
	case history.AckCalled:
		f.called, f.caller = e.Time, e.Life
	case history.ApplyEnd:
		if f.once == 0 {
			f.once = e.Time
		}
		f.applied, f.apply = e.Time, e.Life
	case history.Copy:
		f.place(e.Pos)
	}
}

func (f *fact) place(p history.Position) {
	if f.offset == 0 {
		f.partition, f.offset = p.Partition, p.Offset
	}
}

func (g *groups) extend(k stream, at int64) {
	x, ok := g.extents[k]
	if ok && x.from <= at && at <= x.to {
		return
	}
	if !ok {
		x = extent{at, at}
	}
	g.extents[k] = extent{min(x.from, at), max(x.to, at)}
}

// decisive is what of a message's life a finding is about, when it happened and through whom.
func (f *fact) decisive(anomaly string, p *pass) (verb string, at int64, by string) {
	name := func(l history.Life) string {
		if l == 0 {
			return ""
		}
		return p.around.lives.name(l)
	}
	switch {
	case isA(anomaly, "lost: in consumer") && f.called != 0:
		return "acknowledged to the broker", f.called, name(f.caller)
	case isA(anomaly, "duplicate effect") && f.applied != 0:
		return "applied again", f.applied, name(f.apply)
	case isA(anomaly, "lost: in effect store") && f.applied != 0, isA(anomaly, "torn") && f.applied != 0, isA(anomaly, "resurrected") && f.once != 0:
		return "applied", f.once, name(f.apply)
	case strings.Contains(anomaly, "redelivery") && f.again != 0, isA(anomaly, "duplicate delivery") && f.again != 0:
		return "delivered again", f.again, name(f.by)
	case f.acked != 0:
		return "acked", f.acked, f.led
	case f.sent != 0:
		return "sent and never acked", f.sent, ""
	case f.delivered != 0:
		return "delivered", f.delivered, name(f.by)
	}
	return "seen", 0, ""
}
