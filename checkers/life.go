package checkers

import (
	"fmt"
	"strings"

	"waybill/harness/history"
)

// life is what is known of one incarnation of a process.
type life struct {
	lane   uint32
	role   string // "producer", "consumer", ...: the first word of LifeStart's text
	host   string
	ended  bool
	reason history.Reason
	ref    uint64
	text   string
}

type lives map[history.Life]*life

func (ls lives) start(e *history.Event) {
	role, _, _ := strings.Cut(e.Text, " ")
	ls[e.Other] = &life{lane: e.Lane, role: role, host: e.Name}
}

func (ls lives) end(e *history.Event) {
	l := ls[e.Other]
	if l == nil {
		l = &life{}
		ls[e.Other] = l
	}
	l.ended, l.reason, l.ref, l.text = true, e.Reason, e.Ref, e.Text
}

// laned reports whether what a life recorded concerns one lane only.
func (l *life) laned() bool {
	return l != nil && (l.role == "producer" || l.role == "consumer" || l.role == "ledger")
}

func (ls lives) describe(id history.Life) string {
	l := ls[id]
	if l == nil {
		return fmt.Sprintf("life %d", id)
	}
	return fmt.Sprintf("life %d (%s on %s)", id, l.role, l.host)
}

// whole says whether everything that a life recorded into a segment is there. A killed life never seals its segment, and loses
// nothing by that; any other segment without a seal has lost its end.
func (ls lives) whole(s Segment) (bool, string) {
	switch l := ls[s.Life]; {
	case s.Cut != "":
		return false, fmt.Sprintf("segment %s of %s was cut: %s", s.Name, ls.describe(s.Life), s.Cut)
	case s.Sealed, l != nil && l.ended && l.reason == history.KilledByFault:
		return true, ""
	default:
		return false, fmt.Sprintf("segment %s of %s was never sealed", s.Name, ls.describe(s.Life))
	}
}

// cuts lists what is missing: of every lane under -1, of one lane under its index; and the lives concerned.
func (a *audit) cuts() (byLane map[int][]string, cut map[history.Life]bool) {
	byLane, cut = map[int][]string{}, map[history.Life]bool{}
	for _, s := range a.in.Segments {
		ok, why := a.lives.whole(s)
		if ok {
			continue
		}
		cut[s.Life] = true
		lane := -1
		if l := a.lives[s.Life]; l.laned() {
			lane = int(l.lane)
		}
		byLane[lane] = append(byLane[lane], why)
	}
	return byLane, cut
}
