package look

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"waybill/harness/semantics"
	"waybill/results/plot"
)

// Visible shows text from a broker or a file so that it cannot act on what displays it: control characters, escape
// sequences, invisible and direction-changing runes become their Go escapes, line breaks a semicolon, tabs a space.
// It does not escape markup: html/template and encoding/xml do.
func Visible(s string) string {
	s = strings.TrimRight(s, "\r\n")
	clean := true
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n':
			b.WriteString("; ") // joined errors come a line each
		case r == '\t' || r == '\r':
			b.WriteByte(' ')
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}

// Count writes n with a comma between thousands.
func Count(n int64) string { return plot.Count(n) }

// Percent writes a share of one without needless digits: 0.95 is "95%", 0.0487 is "4.9%".
func Percent(p float64) string {
	digits := 0
	if p < 0.0995 {
		digits = 1
	}
	return strings.TrimSuffix(strconv.FormatFloat(p*100, 'f', digits, 64), ".0") + "%"
}

// Plural is "1 message", "2 messages".
func Plural(n int64, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(n) + " " + one + "s"
}

// Ticks writes a number of microseconds with the unit that fits it.
func Ticks(us int64) string {
	switch {
	case us < 0:
		return "–"
	case us < 1000:
		return fmt.Sprintf("%d µs", us)
	case us < 1_000_000:
		return fmt.Sprintf("%.3g ms", float64(us)/1e3)
	case us < 100_000_000:
		return fmt.Sprintf("%.3g s", float64(us)/1e6)
	default:
		return Count(us/1_000_000) + " s"
	}
}

// Rate writes messages a second in three digits, the rest being noise: 61234.5 is "61,200".
func Rate(r float64) string {
	if math.IsNaN(r) || math.IsInf(r, 0) {
		return "–"
	}
	if a := math.Abs(r); a < 100 {
		return strconv.FormatFloat(r, 'g', 3, 64)
	}
	unit := math.Pow(10, math.Floor(math.Log10(math.Abs(r)))-2)
	return Count(int64(math.Round(r/unit) * unit))
}

// Bytes writes an amount of memory.
func Bytes(n uint64) string {
	if n >= 1<<30 {
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	}
	return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20))
}

// Time writes an instant to the second, in UTC.
func Time(t time.Time) string {
	if t.IsZero() {
		return "not recorded"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// Class is the class by which the style sheet knows a result.
func Class(r semantics.Result) string {
	switch r {
	case semantics.Kept, semantics.Broken, semantics.Inconclusive, semantics.Observed:
		return string(r)
	default:
		return "na"
	}
}

// Glyph tells results apart without colour.
func Glyph(r semantics.Result) string {
	switch r {
	case semantics.Kept:
		return "✓"
	case semantics.Broken:
		return "✗"
	case semantics.Inconclusive:
		return "?"
	case semantics.Observed:
		return "○"
	default:
		return "–"
	}
}
