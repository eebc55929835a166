package look

import (
	"math"
	"testing"
)

func TestVisible(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain text stays", "kill-leader → n2, 5 %", "kill-leader → n2, 5 %"},
		{"escape sequences show", "\x1b[2J", `\x1b[2J`},
		{"broken UTF-8 shows its bytes", "a\xffb", `a\xffb`},
		{"a real replacement rune stays", "\uFFFD", "\uFFFD"},
		{"lines become one", "a\nb\tc\r\n", "a; b c"},
		{"direction changes show", "\u202eabc", `\u202eabc`},
		{"C1 controls show", "\u009b1m", `\u009b1m`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Visible(c.in); got != c.want {
				t.Errorf("Visible(%q) = %q, want %q", c.in, got, c.want)
			}
		})
	}
}

func TestRatesKeepThreeDigits(t *testing.T) {
	for in, want := range map[float64]string{61234.5: "61,200", 999.6: "1,000", 0: "0", 12.345: "12.3", 123_456_789: "123,000,000", math.NaN(): "–", math.Inf(1): "–"} {
		if got := Rate(in); got != want {
			t.Errorf("Rate(%v) = %q, want %q", in, got, want)
		}
	}
}
