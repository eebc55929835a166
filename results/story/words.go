package story

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"waybill/harness/history"
)

// printable takes out of a broker's or a file's words what could act on a terminal.
func printable(s string) string {
	s = strings.TrimSpace(s)
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsPrint(r):
			return r
		}
		return '·'
	}, s)
}

// number has a comma between thousands.
func number[T int | int64 | uint64](n T) string {
	s := strconv.FormatInt(int64(n), 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + one + "s"
}

func times(n int) string {
	switch n {
	case 0:
		return "never"
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return number(n) + " times"
}

// place names a position; "" where none is known.
func place(p history.Position) string {
	if p.Offset == 0 {
		return ""
	}
	s := fmt.Sprintf("position %s of partition %d", number(p.Offset), p.Partition)
	if p.Epoch != 0 {
		s += fmt.Sprintf(", epoch %d", p.Epoch)
	}
	return s
}

// length is a duration in ticks, to about three digits; a minus sign is kept.
func length(ticks int64) string {
	sign := ""
	if ticks < 0 {
		sign, ticks = "−", -ticks
	}
	f := float64(ticks)
	switch {
	case ticks < 1000:
		return fmt.Sprintf("%s%d µs", sign, ticks)
	case ticks < 10_000:
		return fmt.Sprintf("%s%.2f ms", sign, f/1e3)
	case ticks < 100_000:
		return fmt.Sprintf("%s%.1f ms", sign, f/1e3)
	case ticks < 1_000_000:
		return fmt.Sprintf("%s%.0f ms", sign, f/1e3)
	case ticks < 10_000_000:
		return fmt.Sprintf("%s%.2f s", sign, f/1e6)
	case ticks < 1_000_000_000:
		return fmt.Sprintf("%s%.1f s", sign, f/1e6)
	}
	return fmt.Sprintf("%s%.0f s", sign, f/1e6)
}

// list joins words as a sentence does.
func list(words []string) string {
	switch n := len(words); n {
	case 0:
		return ""
	case 1:
		return words[0]
	default:
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
}

// with adds what is known, in brackets.
func with(s string, more ...string) string {
	var known []string
	for _, m := range more {
		if m != "" {
			known = append(known, m)
		}
	}
	if len(known) == 0 {
		return s
	}
	return s + " (" + strings.Join(known, ", ") + ")"
}

func outcomeWords(e *history.Event) string {
	s := e.Status.String()
	by := map[history.Origin]string{history.FromBroker: "by the broker", history.FromClient: "says the client", history.FromTimeout: "at its timeout",
		history.FromClose: "as it was closed"}[e.Origin]
	if by != "" {
		s += " " + by
	}
	if at := place(e.Pos); at != "" {
		s += ", " + at
	}
	return with(s, e.Reason.String(), flag(e, history.Duplicate, "it had it already"), flag(e, history.Returned, "returned: unroutable"),
		flag(e, history.Resent, "the library sent it more than once"), printable(e.Text))
}

func flag(e *history.Event, f history.Flags, said string) string {
	if e.Flags&f != 0 {
		return said
	}
	return ""
}

func sendWords(e *history.Event) string {
	s := fmt.Sprintf("attempt %d", e.Attempt)
	if e.Session != 0 {
		s += fmt.Sprintf(" in session %d", e.Session)
	}
	return with(s+fmt.Sprintf(", key %d", e.Key), flag(e, history.Doubt, "again on purpose, though acknowledged"))
}

func ackWords(e *history.Event) string {
	s := "acknowledges"
	switch {
	case e.Flags&history.Nack != 0:
		s = "hands it back (nack)"
	case e.Flags&history.Reject != 0:
		s = "rejects it"
	case e.Flags&history.Commit != 0:
		s = "commits"
	}
	if at := place(e.Pos); at != "" {
		s += " " + at
	}
	return s
}
