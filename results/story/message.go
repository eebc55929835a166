package story

import (
	"fmt"
	"slices"
	"strings"

	"waybill/harness/history"
)

// message takes an event about a tale's message, other than what scans find.
func (p *pass) message(t *tale, e *history.Event) {
	at := e.Time - p.origin
	who := p.around.lives.name(e.Life)
	if e.Kind != history.Readback {
		t.lives[e.Life] = true
	}
	switch e.Kind {
	case history.Send:
		t.counts.attempts++
		t.begin(openKey{act: Sent, life: e.Life, attempt: e.Attempt}, &line{Line: Line{At: at, Act: Sent, Who: who, What: sendWords(e)}, life: e.Life})
	case history.Outcome:
		l := t.end(openKey{act: Sent, life: e.Life, attempt: e.Attempt}, at, e.Status, outcomeWords(e))
		l.Who = who
		switch e.Status {
		case history.Acked:
			t.counts.acked++
			t.place(p, e.Pos)
		case history.Rejected:
			t.counts.rejected++
		default:
			t.counts.unknown++
		}
	case history.GiveUp:
		t.add(&line{Line: Line{At: at, Act: Sent, Who: who, What: with("gives up: no further attempt", e.Reason.String())}, life: e.Life})
	case history.Delivery:
		p.delivery(t, e, at, who)
	case history.AckCalled:
		t.counts.called++
		t.begin(openKey{act: Acked, life: e.Life, pos: e.Pos, txn: e.Tag}, &line{Line: Line{At: at, Act: Acked, Who: who, What: ackWords(e)}, life: e.Life})
	case history.AckOutcome:
		if e.Status == history.Confirmed {
			t.counts.confirmed++
		}
		said := with(e.Status.String(), e.Reason.String())
		if e.Reason == history.Withheld {
			said = "does not acknowledge it, on purpose"
		}
		t.end(openKey{act: Acked, life: e.Life, pos: e.Pos, txn: e.Tag}, at, e.Status, said).Who = who
	case history.ApplyBegin:
		t.begin(openKey{act: Applied, life: e.Life, pos: e.Pos}, &line{Line: Line{At: at, Act: Applied, Who: who, What: strings.TrimSpace("applies " + place(e.Pos))}, life: e.Life})
	case history.ApplyEnd:
		if e.Status == history.OK || e.Status == history.DedupHit {
			t.counts.applied++
		}
		said := map[history.Status]string{history.OK: "done", history.DedupHit: "dedup hit: the ledger had it"}[e.Status]
		if said == "" {
			said = e.Status.String()
		}
		t.end(openKey{act: Applied, life: e.Life, pos: e.Pos}, at, e.Status, with(said, e.Reason.String(), printable(e.Text))).Who = who
	case history.Readback:
		p.readback(t, e)
	case history.DeadLetter:
		t.add(&line{Line: Line{At: at, Act: Stored, Who: who, What: with("is put among the dead letters", printable(e.Text))}, life: e.Life})
	}
}

func (p *pass) delivery(t *tale, e *history.Event, at int64, who string) {
	t.counts.deliveries++
	t.place(p, e.Pos)
	what := strings.TrimSpace("delivered " + place(e.Pos))
	fetched := ""
	if c, ok := p.calls[e.Life]; ok && c.number == e.Call {
		fetched = fmt.Sprintf("by receive call %d, begun %s before", e.Call, length(e.Time-c.at))
	}
	count := ""
	if e.Count > 1 {
		count = fmt.Sprintf("delivery count %d", e.Count)
	}
	t.add(&line{Line: Line{At: at, Act: Delivered, Who: who}, flags: e.Flags, life: e.Life}).What = with(what, fetched, count,
		flag(e, history.Redelivered, "marked as redelivered"), flag(e, history.Corrupt, "CORRUPT: the checksum does not fit"),
		flag(e, history.Foreign, "of another run"))
}

// readback takes one effect that was read, or one output that is hidden from readers of committed messages.
func (p *pass) readback(t *tale, e *history.Event) {
	r := &t.reads
	if r.ref != e.Ref {
		*r = reading{ref: e.Ref}
	}
	if e.Flags&history.Invisible != 0 {
		r.hidden++
		return
	}
	r.n += int(max(1, e.Count))
	r.flags |= e.Flags
	where := place(e.Pos)
	if e.Txn != 0 && e.Other != 0 {
		x := p.txns[txnKey{e.Other, e.Txn}]
		if x == nil {
			x = &txn{txnKey: txnKey{e.Other, e.Txn}, visible: map[history.Msg]bool{}}
		}
		r.txns = append(r.txns, x)
		where = strings.TrimPrefix(where+fmt.Sprintf(" by transaction %d of %s, %s", e.Txn, p.around.lives.name(e.Other), x.ending()), " ")
	}
	if where != "" {
		r.places = append(r.places, where)
	}
}

// scanBegin notes a scan's range, one partition at a time.
func (p *pass) scanBegin(e *history.Event, lane int) {
	k := scanKey{e.Life, e.Tag}
	s := p.scans[k]
	if s == nil {
		s = &scan{lane: lane, ref: e.Ref, replica: e.Name, ranges: map[uint32][2]int64{}, found: map[*tale]*finds{}}
		p.scans[k] = s
	}
	s.ranges[e.Pos.Partition] = [2]int64{e.From, e.To}
}

func (p *pass) copy(e *history.Event) {
	s := p.scans[scanKey{e.Life, e.Tag}]
	if s == nil {
		return
	}
	t := p.byMsg[e.Msg]
	if e.Flags&history.Foreign != 0 {
		t = p.byToken[e.Text]
	}
	for _, other := range p.slots[slot{s.lane, e.Pos.Partition, e.Pos.Offset}] {
		if other != t {
			p.displaced(other, s, e)
		}
	}
	if t == nil {
		return
	}
	t.lane = s.lane
	f := s.found[t]
	if f == nil {
		f = &finds{}
		s.found[t] = f
	}
	f.flags |= e.Flags
	if !slices.Contains(f.places, e.Pos) {
		f.places = append(f.places, e.Pos)
	}
}

// displaced tells of another message where a tale's message was said to be.
func (p *pass) displaced(t *tale, s *scan, e *history.Event) {
	if t.displ[e.Msg] || len(t.displ) >= maxBeside {
		return
	}
	t.displ[e.Msg] = true
	t.add(&line{Line: Line{At: e.Time - p.origin, Act: Displaced, Who: with("a scan at "+checkpoints(s.ref, s.ref), "replica "+printable(s.replica)),
		What: "finds " + e.Msg.Prefix(p.in.Verdict.Run) + " at " + place(e.Pos) + ", where this message was"}, ref: s.ref})
}

// scanEnd is what a complete scan says of every tale of its lane.
func (p *pass) scanEnd(e *history.Event) {
	k := scanKey{e.Life, e.Tag}
	s := p.scans[k]
	delete(p.scans, k)
	if s == nil {
		return
	}
	for _, t := range p.tales {
		f := s.found[t]
		if t.lane != s.lane || f == nil && (e.Status != history.OK || len(t.lines) == 0) {
			continue
		}
		l := &line{Line: Line{At: e.Time - p.origin, Act: Stored}, from: printable(s.replica), ref: s.ref, last: s.ref, times: 1}
		if l.from == "" {
			l.from = "the queue"
		}
		if f == nil {
			l.Act, l.What = Absent, "do not find it"
			if where := t.inside(s); where != "" {
				l.What += ", though they read " + where
			}
			t.counts.stored = 0
			t.scanned(l)
			continue
		}
		var places []string
		for _, pos := range f.places {
			places = append(places, place(pos))
			t.place(p, pos)
		}
		slices.Sort(places)
		l.seen, l.flags = len(f.places), f.flags
		t.counts.stored = len(f.places)
		l.What = "find it at " + list(places)
		if l.seen > 1 {
			l.What = "find it " + times(l.seen) + ": at " + list(places)
		}
		if f.flags&history.Invisible != 0 {
			l.What += ", not shown to readers"
		}
		if f.flags&history.Corrupt != 0 {
			l.What += ", CORRUPT: the checksum does not fit"
		}
		if f.flags&history.Foreign != 0 {
			l.What += ", of another run"
		}
		t.scanned(l)
	}
}

// inside names the range of a scan that covers a place of the message.
func (t *tale) inside(s *scan) string {
	for pos := range t.at {
		if r, ok := s.ranges[pos.Partition]; ok && r[0] <= pos.Offset && pos.Offset <= r[1] {
			return fmt.Sprintf("positions %s to %s of partition %d", number(r[0]), number(r[1]), pos.Partition)
		}
	}
	return ""
}
