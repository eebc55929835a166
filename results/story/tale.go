package story

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"waybill/harness/history"
)

// maxBeside bounds how many connections lost, and how many frames touched, one story tells.
const maxBeside = 8

// tale is a story in the making.
type tale struct {
	ask     Ask
	lane    int // -1 while nothing says
	lines   []*line
	open    map[openKey]*line
	busy    map[history.Life]int // how many acts of a life concerning the message are under way
	lives   map[history.Life]bool
	parts   map[uint32]bool           // partitions it was seen in
	at      map[history.Position]bool // where it was acknowledged or found to be
	runs    map[string]*line          // by replica: what its scans say, as long as they say the same
	reads   reading
	effects *line // what readbacks say, as long as they say the same
	beside  map[Act]int
	displ   map[history.Msg]bool
	counts  counts
	txns    []*txn
	floor   *elder            // what lies beyond it of its key, though acknowledged before its send
	beyond  map[uint32]*elder // the furthest of each partition that was acknowledged before its send
	key     orderKey
	younger map[history.Msg]bool // of its key and session, sent after it
}

// counts is what a summary says.
type counts struct {
	attempts, acked, unknown, rejected     int
	deliveries, confirmed, called, applied int
	stored, effects                        int // copies found by the last scan; effects found by the last readback; -1 unread
}

// line is a Line and what a proof asks of it.
type line struct {
	Line
	status  history.Status
	seen    int // copies or effects that it found
	life    history.Life
	from    string // the replica, of a scan
	ref     uint64 // its episode, of a checkpoint's observation
	last    uint64
	times   int // observations folded into it
	flags   history.Flags
	txn     *txn
	ordered int // of lines at one instant
}

// openKey finds the interval that a completion ends.
type openKey struct {
	act     Act
	life    history.Life
	attempt uint32
	pos     history.Position
	txn     uint64
}

// reading is the readback under way.
type reading struct {
	ref    uint64
	n      int
	hidden int
	flags  history.Flags
	txns   []*txn
	places []string
}

func newTale(a Ask) *tale {
	return &tale{ask: a, lane: -1, open: map[openKey]*line{}, busy: map[history.Life]int{}, lives: map[history.Life]bool{},
		parts: map[uint32]bool{}, at: map[history.Position]bool{}, runs: map[string]*line{}, beside: map[Act]int{}, displ: map[history.Msg]bool{},
		counts: counts{stored: -1, effects: -1}}
}

func (t *tale) add(l *line) *line {
	l.ordered = len(t.lines)
	t.lines = append(t.lines, l)
	return l
}

// begin opens an interval; end closes it, or adds a line of its own when nothing of it was recorded before.
func (t *tale) begin(k openKey, l *line) {
	l.Open = true
	t.open[k] = t.add(l)
	t.busy[k.life]++
}

func (t *tale) end(k openKey, at int64, status history.Status, said string) *line {
	l := t.open[k]
	if l == nil {
		l = t.add(&line{Line: Line{At: at, Act: k.act}, life: k.life})
	} else {
		delete(t.open, k)
		t.busy[k.life]--
		l.Open, l.Until = false, at
	}
	l.status = status
	l.What = strings.TrimPrefix(l.What+" → "+said, " → ")
	return l
}

// place notes where the message was said or seen to be.
func (t *tale) place(p *pass, pos history.Position) {
	if pos.Offset == 0 {
		return
	}
	t.parts[pos.Partition] = true
	s := slot{t.lane, pos.Partition, pos.Offset}
	if !t.at[pos] {
		t.at[pos] = true
		if !slices.Contains(p.slots[s], t) {
			p.slots[s] = append(p.slots[s], t)
		}
	}
}

// scanned takes what one complete scan says: lines that say the same one after the other become one.
func (t *tale) scanned(l *line) {
	if before := t.runs[l.from]; before != nil && before.What == l.What && before.Act == l.Act {
		before.times++
		before.last, before.Until = l.ref, l.At
		return
	}
	t.runs[l.from] = t.add(l)
}

// readEnd is what a readback says, when it is complete.
func (t *tale) readEnd(at int64, ref uint64, complete bool) {
	r := t.reads
	t.reads = reading{}
	if !complete || len(t.lines) == 0 && r.n == 0 {
		return
	}
	l := &line{Line: Line{At: at, Act: Effect, Who: "the effects"}, seen: r.n, ref: ref, last: ref, times: 1, flags: r.flags}
	t.counts.effects = r.n
	switch r.n {
	case 0:
		l.Act, l.What = NoEffect, "its effect is not among them"
		if r.hidden > 0 {
			l.What = "a reader of committed messages sees no effect of it"
		}
	case 1:
		l.What = "its effect is there"
	default:
		l.What = fmt.Sprintf("its effect is there %s", times(r.n))
	}
	slices.Sort(r.places)
	if len(r.places) > 0 {
		l.What += ": " + strings.Join(r.places, "; ")
	}
	if r.flags&history.Corrupt != 0 {
		l.What += ", corrupt"
	}
	if r.n > 0 && len(r.txns) > 0 {
		l.txn = r.txns[0]
		for _, x := range r.txns {
			if x.status != history.OK {
				l.txn = x
			}
		}
	}
	if before := t.effects; before != nil && before.What == l.What {
		before.times++
		before.last, before.Until = ref, at
		return
	}
	t.effects = t.add(l)
}

// singular is what one scan does, of several.
var singular = strings.NewReplacer("do not find it", "does not find it", "find it", "finds it", "they read", "it reads")

// fold says of how many scans or readbacks a line is, and joins those of several replicas that say the same at checkpoints without a gap.
func (t *tale) fold() {
	var kept []*line
	names := map[*line][]string{}
	t.lines = slices.DeleteFunc(t.lines, func(l *line) bool {
		if l.from == "" {
			return false
		}
		for _, k := range kept {
			if k.Act == l.Act && k.What == l.What && l.ref <= k.last+1 && k.ref <= l.last+1 {
				k.times += l.times
				k.ref, k.last = min(k.ref, l.ref), max(k.last, l.last)
				k.Until = max(k.Until, l.Until, l.At)
				names[k] = append(names[k], l.from)
				return true
			}
		}
		kept = append(kept, l)
		names[l] = []string{l.from}
		return false
	})
	for _, l := range t.lines {
		if l.times == 0 {
			continue
		}
		if l.from != "" && l.times == 1 {
			l.What = singular.Replace(l.What)
		}
		what := "scan"
		if l.from == "" {
			what = "readback"
		}
		l.Who = plural(l.times, what)
		if n := slices.Compact(slices.Sorted(slices.Values(names[l]))); len(n) > 0 {
			l.Who += " of " + strings.Join(n, ", ")
		}
		l.Who += " at " + checkpoints(l.ref, l.last)
	}
}

func checkpoints(from, to uint64) string {
	if from == to {
		return fmt.Sprintf("checkpoint %d", from)
	}
	return fmt.Sprintf("checkpoints %d to %d", from, to)
}

// sorted is the lines in order of time; what stood around comes before what happened to the message in the same instant.
func sorted(lines []*line) []*line {
	slices.SortStableFunc(lines, func(a, b *line) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(rank(a.Act), rank(b.Act)), cmp.Compare(a.ordered, b.ordered))
	})
	return lines
}

func rank(a Act) int {
	if a.own() {
		return 1
	}
	return 0
}
