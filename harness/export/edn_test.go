package export

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// keyword is an EDN keyword, without its colon.
type keyword string

// readEDN reads the part of EDN that operations are written in: maps, vectors, strings, longs, keywords, nil and booleans.
type readEDN struct {
	s  string
	at int
}

// parse reads one value and demands that nothing follows it.
func parse(t *testing.T, s string) any {
	t.Helper()
	r := &readEDN{s: s}
	v, err := r.value()
	if r.space(); err == nil && r.at != len(s) {
		err = fmt.Errorf("%q follows", s[r.at:])
	}
	if err != nil {
		t.Fatalf("not EDN: %v, at byte %d of %q", err, r.at, s)
	}
	return v
}

func (r *readEDN) space() {
	for r.at < len(r.s) && strings.ContainsRune(" ,\t\n", rune(r.s[r.at])) {
		r.at++
	}
}

func (r *readEDN) value() (any, error) {
	r.space()
	if r.at == len(r.s) {
		return nil, fmt.Errorf("nothing is left")
	}
	switch r.s[r.at] {
	case '{':
		list, err := r.list('}')
		m := map[any]any{}
		for i := 0; i+1 < len(list); i += 2 {
			if _, twice := m[list[i]]; twice {
				return nil, fmt.Errorf("key %v twice", list[i])
			}
			m[list[i]] = list[i+1]
		}
		if len(list)%2 != 0 {
			return nil, fmt.Errorf("a map of %d forms", len(list))
		}
		return m, err
	case '[':
		return r.list(']')
	case '"':
		end := r.at + 1
		for end < len(r.s) && r.s[end] != '"' {
			if r.s[end] == '\\' {
				end++
			}
			end++
		}
		if end >= len(r.s) {
			return nil, fmt.Errorf("a string without an end")
		}
		s, err := strconv.Unquote(r.s[r.at : end+1])
		r.at = end + 1
		return s, err
	}
	end := r.at
	for end < len(r.s) && !strings.ContainsRune(" ,[]{}\"", rune(r.s[end])) {
		end++
	}
	word := r.s[r.at:end]
	r.at = end
	switch {
	case word == "nil":
		return nil, nil
	case word == "true", word == "false":
		return word == "true", nil
	case strings.HasPrefix(word, ":") && len(word) > 1:
		return keyword(word[1:]), nil
	}
	return strconv.ParseInt(word, 10, 64)
}

func (r *readEDN) list(end byte) ([]any, error) {
	r.at++
	out := []any{}
	for {
		r.space()
		if r.at < len(r.s) && r.s[r.at] == end {
			r.at++
			return out, nil
		}
		v, err := r.value()
		if err != nil {
			return out, err
		}
		out = append(out, v)
	}
}

// operation is one line, read back.
type operation struct {
	index, time int64
	kind        string
	process     any // int64 or keyword
	f           string
	value       any
	rest        map[any]any
}

func operations(t *testing.T, text string) []operation {
	t.Helper()
	var out []operation
	for _, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		m, ok := parse(t, l).(map[any]any)
		if !ok {
			t.Fatalf("no map: %s", l)
		}
		o := operation{process: m[keyword("process")], value: m[keyword("value")], rest: m}
		o.index, _ = m[keyword("index")].(int64)
		o.time, _ = m[keyword("time")].(int64)
		k, _ := m[keyword("type")].(keyword)
		f, _ := m[keyword("f")].(keyword)
		o.kind, o.f = string(k), string(f)
		out = append(out, o)
	}
	return out
}
