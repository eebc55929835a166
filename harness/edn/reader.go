package edn

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// SyntaxError is a form that is none. Line and Column count from 1 and say where the trouble is.
type SyntaxError struct {
	Line, Column int
	What         string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("edn: line %d, column %d: %s", e.Line, e.Column, e.What)
}

// maxDepth bounds how deep forms nest, so that no input ends the program.
const maxDepth = 256

// Reader reads form after form. Its first error stays. It is not safe for concurrent use.
type Reader struct {
	r            *bufio.Reader
	line, column int  // of the character to be read next
	lastWidth    int  // columns of the line before, to step back over its end
	pushed       rune // put back, to be read again; 0: nothing is
	closing      rune
	opened       Value // what Enter went into
	depth        int
	err          error
}

// NewReader reads from r, which is read ahead of what was returned.
func NewReader(r io.Reader) *Reader {
	return &Reader{r: bufio.NewReaderSize(r, 1<<16), line: 1, column: 1}
}

// Next is the next form; io.EOF where there is none, other errors are *SyntaxError or what the source says.
func (r *Reader) Next() (Value, error) {
	if r.err != nil {
		return Value{}, r.err
	}
	v, err := r.next()
	r.err = err
	return v, err
}

// Enter steps into the next form if it is a vector or a list, so that Next returns what is in it, and afterwards what follows it.
func (r *Reader) Enter() (bool, error) {
	if r.err != nil {
		return false, r.err
	}
	c, err := r.skip()
	switch {
	case errors.Is(err, io.EOF):
		return false, nil // for Next to say
	case err != nil:
		r.err = err
		return false, err
	case c != '[' && c != '(' || r.closing != 0:
		r.back(c)
		return false, nil
	}
	r.opened = r.at(-1)
	r.closing = closes[c]
	return true, nil
}

var closes = map[rune]rune{'[': ']', '(': ')', '{': '}'}

func (r *Reader) next() (Value, error) {
	c, err := r.skip()
	switch {
	case errors.Is(err, io.EOF) && r.closing != 0:
		return Value{}, r.wrong(r.opened, "what is opened here is never closed")
	case err != nil:
		return Value{}, err
	case r.closing != 0 && c == r.closing:
		r.closing = 0
		return r.next()
	}
	return r.form(c)
}

// at is an empty value at the character to be read next, or columns before it.
func (r *Reader) at(columns int) Value { return Value{Line: r.line, Column: max(1, r.column+columns)} }

func (r *Reader) wrong(v Value, format string, args ...any) error {
	return &SyntaxError{v.Line, v.Column, fmt.Sprintf(format, args...)}
}

// rune reads one character.
func (r *Reader) rune() (rune, error) {
	c, n, err := r.pushed, 0, error(nil)
	if r.pushed = 0; c == 0 {
		c, n, err = r.r.ReadRune()
	}
	switch {
	case errors.Is(err, io.EOF):
		return 0, io.EOF
	case err != nil:
		return 0, fmt.Errorf("edn: line %d: %w", r.line, err)
	case c == utf8.RuneError && n == 1, c == 0:
		return 0, r.wrong(r.at(0), "not text: neither a zero byte nor what is not UTF-8 belongs here")
	case c == '\n':
		r.lastWidth = r.column
		r.line, r.column = r.line+1, 1
	default:
		r.column++
	}
	return c, nil
}

// back puts the character read last back.
func (r *Reader) back(c rune) {
	r.pushed = c
	if c == '\n' {
		r.line, r.column = r.line-1, r.lastWidth
		return
	}
	r.column--
}

func blank(c rune) bool { return c == ',' || unicode.IsSpace(c) }

// ends reports whether a character ends the word before it.
func ends(c rune) bool { return blank(c) || strings.ContainsRune(`()[]{}";`, c) }

// skip reads the first character of the next form, over blanks, comments and discarded forms.
func (r *Reader) skip() (rune, error) {
	for {
		c, err := r.rune()
		if err != nil {
			return 0, err
		}
		switch {
		case blank(c):
		case c == ';':
			for c != '\n' {
				if c, err = r.rune(); err != nil {
					return 0, err
				}
			}
		case c == '#' && r.peek() == '_':
			here := r.at(-1)
			if _, err := r.rune(); err != nil {
				return 0, err
			}
			if _, err := r.inner(here); err != nil {
				return 0, err
			}
		default:
			return c, nil
		}
	}
}

// peek is the character to be read next; 0 where there is none.
func (r *Reader) peek() rune {
	if r.pushed != 0 {
		return r.pushed
	}
	for n := 1; n <= utf8.UTFMax; n++ {
		b, err := r.r.Peek(n)
		if utf8.FullRune(b) {
			c, _ := utf8.DecodeRune(b)
			return c
		}
		if err != nil {
			return 0
		}
	}
	return 0
}
