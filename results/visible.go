package results

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// visible shows text from a broker or a file so that it cannot act on what displays it: control characters, escape
// sequences, invisible and direction-changing runes become their Go escapes, line breaks a semicolon, tabs a space.
// It does not escape markup: html/template and encoding/xml do.
func visible(s string) string {
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

// count writes n with a comma between thousands.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	var parts []string
	for len(s) > 3 {
		parts = append([]string{s[len(s)-3:]}, parts...)
		s = s[:len(s)-3]
	}
	return sign + strings.Join(append([]string{s}, parts...), ",")
}

// percent writes a share of one without needless digits: 0.95 is "95%", 0.0487 is "4.9%".
func percent(p float64) string {
	digits := 0
	if p < 0.0995 {
		digits = 1
	}
	return strings.TrimSuffix(strconv.FormatFloat(p*100, 'f', digits, 64), ".0") + "%"
}

// plural is "1 message", "2 messages".
func plural(n int64, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + one + "s"
}
