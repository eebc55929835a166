package edn

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// inner reads a form that must be there, because of what began at opened.
func (r *Reader) inner(opened Value) (Value, error) {
	c, err := r.skip()
	if errors.Is(err, io.EOF) {
		return Value{}, r.wrong(opened, "the input ends before the form that belongs here")
	}
	if err != nil {
		return Value{}, err
	}
	return r.form(c)
}

// form reads the form whose first character is c.
func (r *Reader) form(c rune) (Value, error) {
	v := r.at(-1)
	if r.depth++; r.depth > maxDepth {
		return v, r.wrong(v, "forms nest deeper than %d", maxDepth)
	}
	defer func() { r.depth-- }()
	switch c {
	case '[':
		return r.items(v, Vector, ']')
	case '(':
		return r.items(v, List, ')')
	case '{':
		return r.mapping(v)
	case '"':
		return r.text(v)
	case '\\':
		return r.char(v)
	case '#':
		return r.dispatch(v)
	case ']', ')', '}':
		return v, r.wrong(v, "%q closes nothing that is open", c)
	}
	word, err := r.word(c)
	if err != nil {
		return v, err
	}
	return r.atom(v, word)
}

func (r *Reader) items(v Value, k Kind, closing rune) (Value, error) {
	v.Kind = k
	for {
		c, err := r.skip()
		switch {
		case errors.Is(err, io.EOF):
			return v, r.wrong(v, "%s that is opened here is never closed", k)
		case err != nil:
			return v, err
		case c == closing:
			return v, nil
		}
		item, err := r.form(c)
		if err != nil {
			return v, err
		}
		v.Items = append(v.Items, item)
	}
}

func (r *Reader) mapping(v Value) (Value, error) {
	v, err := r.items(v, Map, '}')
	if err != nil {
		return v, err
	}
	if len(v.Items)%2 != 0 {
		return v, r.wrong(v, "a map of %d forms: the last key has no value", len(v.Items))
	}
	type scalar struct {
		kind Kind
		n    int64
		text string
	}
	seen := make(map[scalar]bool, len(v.Items)/2)
	for i := 0; i < len(v.Items); i += 2 {
		k := v.Items[i]
		if k.Items != nil {
			continue
		}
		s := scalar{k.Kind, k.Int, k.Text}
		if seen[s] {
			return v, r.wrong(k, "the key %s is in its map twice", k)
		}
		seen[s] = true
	}
	return v, nil
}

// text reads a string. Escapes are those of EDN and of Clojure's reader.
func (r *Reader) text(v Value) (Value, error) {
	v.Kind = String
	var b strings.Builder
	for {
		here := r.at(0)
		c, err := r.rune()
		if err == nil && c == '"' {
			v.Text = b.String()
			return v, nil
		}
		if err == nil && c == '\\' {
			c, err = r.escape(here)
		}
		if errors.Is(err, io.EOF) {
			return v, r.wrong(v, "the string that begins here never ends")
		}
		if err != nil {
			return v, err
		}
		b.WriteRune(c)
	}
}

var escaped = map[rune]rune{'t': '\t', 'r': '\r', 'n': '\n', '\\': '\\', '"': '"', 'b': '\b', 'f': '\f', '/': '/', '\'': '\''}

func (r *Reader) escape(here Value) (rune, error) {
	c, err := r.rune()
	if err != nil {
		return 0, err
	}
	if to, known := escaped[c]; known {
		return to, nil
	}
	if c != 'u' {
		return 0, r.wrong(here, "%q is no escape of a string", "\\"+string(c))
	}
	var digits strings.Builder
	for range 4 {
		if c, err = r.rune(); err != nil {
			return 0, err
		}
		digits.WriteRune(c)
	}
	return r.unicode(here, digits.String())
}

// unicode is the character of four hexadecimal digits. Half of a surrogate pair is none.
func (r *Reader) unicode(here Value, digits string) (rune, error) {
	n, err := strconv.ParseUint(digits, 16, 16)
	if err != nil {
		return 0, r.wrong(here, "%q are not four hexadecimal digits", digits)
	}
	if c := rune(n); utf8.ValidRune(c) {
		return c, nil
	}
	return utf8.RuneError, nil
}

func (r *Reader) char(v Value) (Value, error) {
	v.Kind = Char
	c, err := r.rune()
	if errors.Is(err, io.EOF) {
		return v, r.wrong(v, "the input ends within a character")
	}
	if err != nil {
		return v, err
	}
	word, err := r.word(c)
	if err != nil {
		return v, err
	}
	switch {
	case utf8.RuneCountInString(word) == 1:
		v.Text = word
		return v, nil
	case charNames[word] != "":
		v.Text = charNames[word]
		return v, nil
	case len(word) == 5 && word[0] == 'u':
		c, err := r.unicode(v, word[1:])
		v.Text = string(c)
		return v, err
	}
	return v, r.wrong(v, "%q is no character", "\\"+word)
}

// dispatch reads what begins with #.
func (r *Reader) dispatch(v Value) (Value, error) {
	switch c := r.peek(); {
	case c == '{':
		if _, err := r.rune(); err != nil {
			return v, err
		}
		return r.items(v, Set, '}')
	case c == 0 || c != ':' && c != '#' && ends(c):
		return v, r.wrong(v, "# needs a tag, a set or a form to discard")
	}
	c, err := r.rune()
	if err != nil {
		return v, err
	}
	tag, err := r.word(c)
	if err != nil {
		return v, err
	}
	if tag[0] == '#' { // ##NaN, ##Inf
		v.Kind, v.Text = Number, "#"+tag
		return v, nil
	}
	v.Kind, v.Text = Tagged, tag
	item, err := r.inner(v)
	v.Items = []Value{item}
	return v, err
}

// word reads to the end of what begins with c.
func (r *Reader) word(c rune) (string, error) {
	var b strings.Builder
	b.WriteRune(c)
	for {
		c, err := r.rune()
		switch {
		case errors.Is(err, io.EOF):
			return b.String(), nil
		case err != nil:
			return "", err
		case ends(c):
			r.back(c)
			return b.String(), nil
		}
		b.WriteRune(c)
	}
}

// atom is what a word stands for.
func (r *Reader) atom(v Value, word string) (Value, error) {
	digit := word[0]
	if len(word) > 1 && (digit == '-' || digit == '+') {
		digit = word[1]
	}
	switch {
	case word == "nil":
		return v, nil
	case word == "true", word == "false":
		v.Kind = Bool
		if word == "true" {
			v.Int = 1
		}
		return v, nil
	case word[0] == ':':
		if v.Kind, v.Text = Keyword, word[1:]; v.Text == "" {
			return v, r.wrong(v, "a keyword without a name")
		}
		return v, nil
	case digit < '0' || digit > '9':
		v.Kind, v.Text = Symbol, word
		return v, nil
	}
	return r.number(v, word)
}

// number reads an integer, or checks that a word is another number: a decimal, a ratio, or an integer too large for 64 bits.
func (r *Reader) number(v Value, word string) (Value, error) {
	if n, err := strconv.ParseInt(strings.TrimSuffix(word, "N"), 10, 64); err == nil {
		v.Kind, v.Int = Int, n
		return v, nil
	}
	v.Kind, v.Text = Number, word
	for part := range strings.SplitSeq(strings.TrimRight(word, "NM"), "/") {
		if _, err := strconv.ParseFloat(part, 64); err != nil && !errors.Is(err, strconv.ErrRange) || strings.ContainsAny(part, "_xXpP") {
			return v, r.wrong(v, "%q is no number", word)
		}
	}
	return v, nil
}
