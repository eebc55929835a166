package cli

import "io"

// repainted is the line below all others of a terminal, which is painted over and over.
type repainted struct{ painted bool }

// paint puts text, as much of it as the line holds, in the place of what was painted before.
func (r *repainted) paint(s screen, text string) {
	r.clear(s)
	runes := []rune(text)
	if len(runes) >= s.width {
		runes = append(runes[:max(0, s.width-2)], '…')
	}
	io.WriteString(s.out, printable(string(runes)))
	r.painted = true
}

// clear leaves the line empty, for something else to be printed there.
func (r *repainted) clear(s screen) {
	if r.painted {
		io.WriteString(s.out, "\r\x1b[K")
		r.painted = false
	}
}
