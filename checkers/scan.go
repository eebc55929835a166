package checkers

import (
	"waybill/checkers/msgset"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// scanKey names a scan while it runs: copies carry only the tag.
type scanKey struct {
	life history.Life
	tag  uint64
}

// scan is one reading of a queue on one replica.
type scan struct {
	key       scanKey
	lane      *lane
	replica   string
	ref       uint64
	from, to  int64
	complete  bool
	why       string
	seen      msgset.Set
	twice     msgset.Set
	placed    msgset.Sums // copies of messages that were acknowledged at a position
	again     msgset.Sums // copies of messages that were, twice
	rest      msgset.Sums // all others
	last      int64
	ascending bool // every copy lay beyond the one before: so two copies of a message lie apart
}

func (a *audit) scanBegin(l *lane, e *history.Event) {
	s := &scan{key: scanKey{e.Life, e.Tag}, lane: l, replica: e.Name, ref: e.Ref, from: e.From, to: e.To, ascending: true}
	a.scans[s.key] = s
	l.scans = append(l.scans, s)
}

func (a *audit) copy(e *history.Event) {
	s := a.scans[scanKey{e.Life, e.Tag}]
	if s == nil || e.Flags&history.Invisible != 0 {
		return
	}
	l := s.lane
	l.touched = true
	if e.Pos.Offset <= s.last {
		s.ascending = false
	}
	s.last = e.Pos.Offset
	if e.Flags&history.Foreign != 0 {
		l.foreign[semantics.Stored].see(e)
		return
	}
	if e.Flags&history.Corrupt != 0 {
		l.corrupt[semantics.Stored].Add(e.Msg)
		if !l.sent.Has(e.Msg) {
			return
		}
	}
	if !s.seen.Add(e.Msg) {
		s.twice.Add(e.Msg)
	}
	switch {
	case !l.placed.Has(e.Msg):
		s.rest.Add(e.Msg, e.Pos)
	case l.placedAgain.Has(e.Msg):
		s.again.Add(e.Msg, e.Pos)
		fallthrough
	default:
		s.placed.Add(e.Msg, e.Pos)
	}
}

func (a *audit) scanEnd(e *history.Event) {
	key := scanKey{e.Life, e.Tag}
	s := a.scans[key]
	if s == nil {
		return
	}
	delete(a.scans, key)
	s.complete, s.why = e.Status == history.OK, e.Text
	if e.From != 0 || e.To != 0 {
		s.from, s.to = e.From, e.To
	}
}

// equal reports whether two scans found the same copies at the same positions.
func (s *scan) equal(o *scan) bool {
	return s.seen.Len() == o.seen.Len() && s.from == o.from && s.to == o.to && s.placed.Equal(&o.placed) && s.rest.Equal(&o.rest)
}
