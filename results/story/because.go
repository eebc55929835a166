package story

import (
	"fmt"
	"strings"

	"waybill/harness/semantics"
)

// because says in a sentence or two how the proof's lines prove a finding.
func because(t *tale, f semantics.Finding, proof []*line) string {
	if len(proof) == 0 {
		return "None of the observations about this message says so by itself: " + printable(orElse(f.Detail, "the finding is about the lane as a whole")) + "."
	}
	var parts []string
	say := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	told := map[Act]bool{}
	for _, l := range proof {
		if told[l.Act] && l.Act != Delivered && l.Act != Stored && l.Act != Transaction && l.Act != Applied {
			continue
		}
		again := told[l.Act]
		told[l.Act] = true
		switch l.Act {
		case Sent:
			if acknowledged(t, l, f) {
				_, said, _ := strings.Cut(l.What, " → ")
				say("it was %s, at +%s", said, seconds(l.end()))
			} else if rejected(t, l, f) {
				say("every attempt was rejected, the first at +%s", seconds(l.end()))
			} else {
				say("it was sent in %s", plural(max(1, t.counts.attempts), "attempt"))
			}
		case Stored:
			if !again || l.seen > 1 {
				say("%s %s", l.Who, l.What)
			}
		case Absent:
			say("%s %s", l.Who, l.What)
		case NoEffect:
			say("in %s %s", l.Who, l.What)
		case Effect:
			say("in %s %s", l.Who, l.What)
		case Displaced:
			say("%s %s", l.Who, l.What)
		case Delivered:
			if again {
				say("again to %s at +%s", l.Who, seconds(l.At))
			} else {
				say("it was delivered to %s at +%s", l.Who, seconds(l.At))
			}
		case Acked:
			say("%s %s at +%s", l.Who, l.What, seconds(l.At))
		case Applied:
			say("%s %s at +%s", l.Who, l.What, seconds(l.At))
		case Transaction:
			say("%s was a member of transaction %d of %s, %s", pronoun(again), l.txn.number, l.Who, l.txn.ending())
		}
	}
	if len(parts) == 0 {
		return "See the marked lines."
	}
	const most = 6
	if len(parts) > most {
		parts = append(parts[:most-1], parts[len(parts)-1])
	}
	return upper(join(parts)) + "."
}

func pronoun(again bool) string {
	if again {
		return "it also"
	}
	return "it"
}

func join(parts []string) string {
	s := parts[0]
	for _, p := range parts[1:] {
		s += "; " + p
	}
	return s
}

// upper begins a sentence, unless with a name.
func upper(s string) string {
	first, _, _ := strings.Cut(s, " ")
	if s != "" && s[0] >= 'a' && s[0] <= 'z' && !strings.ContainsAny(first, "-0123456789") {
		return string(s[0]-'a'+'A') + s[1:]
	}
	return s
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// end is when an interval ended; its only instant where it has one.
func (l *line) end() int64 { return max(l.At, l.Until) }

// seconds is an instant of the run, to the microsecond.
func seconds(ticks int64) string { return fmt.Sprintf("%d.%06d s", ticks/1e6, ticks%1e6) }
