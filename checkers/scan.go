package checkers

import (
	"slices"

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
	key      scanKey
	lane     *lane
	replica  string
	ref      uint64
	spans    spans
	complete bool
	why      string
	seen     msgset.Set
	twice    msgset.Set
	placed   msgset.Sums // copies of messages that were acknowledged at a position
	again    msgset.Sums // copies of messages that were, twice
	rest     msgset.Sums // all others
	last     map[uint32]int64
	unsorted bool // a copy lay before another one of its partition: two copies of a message may be one, read twice
}

// span is a part of one partition that a scan read, both ends inclusive.
type span struct {
	partition, incarnation uint32
	from, to               int64
}

// spans are what a scan read, at most one of each partition, in order of partitions.
type spans []span

// add puts in what one ScanBegin declares.
func (s *spans) add(e *history.Event) {
	n := span{e.Pos.Partition, e.Pos.Incarnation, e.From, e.To}
	i, _ := slices.BinarySearchFunc(*s, n.partition, span.compare)
	*s = slices.Insert(*s, i, n)
}

func (s span) compare(partition uint32) int { return int(s.partition) - int(partition) }

// cover reports whether a position was read: offsets of two partitions have nothing to do with each other.
func (s spans) cover(p history.Position) bool {
	i, ok := slices.BinarySearchFunc(s, p.Partition, span.compare)
	return ok && p.Offset >= s[i].from && p.Offset <= s[i].to
}

// scanBegin opens a scan, or takes one more partition of a scan that is open.
func (a *audit) scanBegin(l *lane, e *history.Event) {
	key := scanKey{e.Life, e.Tag}
	s := a.scans[key]
	if s == nil {
		s = &scan{key: key, lane: l, replica: e.Name, ref: e.Ref, last: map[uint32]int64{}}
		a.scans[key] = s
		l.scans = append(l.scans, s)
	}
	s.spans.add(e)
}

func (a *audit) copy(e *history.Event) {
	s := a.scans[scanKey{e.Life, e.Tag}]
	if s == nil || e.Flags&history.Invisible != 0 {
		return
	}
	l := s.lane
	l.touched = true
	if e.Pos.Offset <= s.last[e.Pos.Partition] {
		s.unsorted = true
	}
	s.last[e.Pos.Partition] = e.Pos.Offset
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
	l.assignments.copy(e)
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
	if s := a.scans[key]; s != nil {
		delete(a.scans, key)
		s.complete, s.why = e.Status == history.OK, e.Text
	}
}

// equal reports whether two scans read the same ranges and found the same copies at the same positions.
func (s *scan) equal(o *scan) bool {
	return s.seen.Len() == o.seen.Len() && slices.Equal(s.spans, o.spans) && s.placed.Equal(&o.placed) && s.rest.Equal(&o.rest)
}
