// Package edn reads EDN, the notation that Clojure prints its data in, form by form from a stream, and knows at which line and
// column each form began: so that whoever finds a form wrong can say where it stands.
//
// It reads what EDN defines and what Clojure's printer writes besides (ratios, symbolic numbers, namespaced maps). It gives tags no
// meaning, writes nothing, and converts nothing into Go types of its callers.
package edn

import (
	"strconv"
	"strings"
)

// Kind says what a form is.
type Kind uint8

const (
	Nil Kind = iota
	Bool
	Int     // Int holds it
	Number  // any other number: Text holds it as it was written
	String  // Text, with escapes resolved
	Char    // Text: the one character
	Keyword // Text, without its colon
	Symbol  // Text
	Vector  // Items
	List    // Items
	Set     // Items
	Map     // Items: key, value, key, value, …
	Tagged  // Text: the tag; Items: the one form that it is on
)

var kindNames = [...]string{"nil", "a boolean", "an integer", "a number", "a string", "a character", "a keyword", "a symbol", "a vector", "a list", "a set", "a map", "a tagged form"}

// String is the kind in words, with its article.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// Value is one form.
type Value struct {
	Kind         Kind
	Int          int64 // of Int; 1 for true
	Text         string
	Items        []Value
	Line, Column int // where it begins, both from 1; columns count characters
}

// Get is the value of a keyword in a map.
func (v Value) Get(keyword string) (Value, bool) {
	for i := 0; v.Kind == Map && i+1 < len(v.Items); i += 2 {
		if k := v.Items[i]; k.Kind == Keyword && k.Text == keyword {
			return v.Items[i+1], true
		}
	}
	return Value{}, false
}

// Untagged is the form below any tags.
func (v Value) Untagged() Value {
	for v.Kind == Tagged {
		v = v.Items[0]
	}
	return v
}

// String writes the form as EDN that reads back as the same form.
func (v Value) String() string { return string(v.append(nil)) }

var brackets = map[Kind][2]string{Vector: {"[", "]"}, List: {"(", ")"}, Set: {"#{", "}"}, Map: {"{", "}"}}

func (v Value) append(b []byte) []byte {
	switch v.Kind {
	case Nil:
		return append(b, "nil"...)
	case Bool:
		return strconv.AppendBool(b, v.Int != 0)
	case Int:
		return strconv.AppendInt(b, v.Int, 10)
	case String:
		return append(append(append(b, '"'), escapes.Replace(v.Text)...), '"')
	case Char:
		return append(append(b, '\\'), charName(v.Text)...)
	case Keyword:
		return append(append(b, ':'), v.Text...)
	case Tagged:
		b = append(append(append(b, '#'), v.Text...), ' ')
		return v.Items[0].append(b)
	case Vector, List, Set, Map:
		b = append(b, brackets[v.Kind][0]...)
		for i := range v.Items {
			if i > 0 {
				b = append(b, ' ')
			}
			b = v.Items[i].append(b)
		}
		return append(b, brackets[v.Kind][1]...)
	}
	return append(b, v.Text...)
}

var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

var charNames = map[string]string{"newline": "\n", "space": " ", "tab": "\t", "return": "\r", "backspace": "\b", "formfeed": "\f"}

func charName(c string) string {
	for name, is := range charNames {
		if is == c {
			return name
		}
	}
	return c
}
