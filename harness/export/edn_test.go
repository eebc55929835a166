package export

import (
	"errors"
	"io"
	"strings"
	"testing"

	"waybill/harness/edn"
)

// keyword is an EDN keyword, without its colon.
type keyword string

// plain is a form as Go's own values: maps, slices, strings, int64, keyword, bool and nil.
func plain(t *testing.T, v edn.Value) any {
	t.Helper()
	switch v.Kind {
	case edn.Nil:
		return nil
	case edn.Bool:
		return v.Int != 0
	case edn.Int:
		return v.Int
	case edn.String:
		return v.Text
	case edn.Keyword:
		return keyword(v.Text)
	case edn.Vector:
		out := []any{}
		for _, x := range v.Items {
			out = append(out, plain(t, x))
		}
		return out
	case edn.Map:
		out := map[any]any{}
		for i := 0; i < len(v.Items); i += 2 {
			out[plain(t, v.Items[i])] = plain(t, v.Items[i+1])
		}
		return out
	}
	t.Fatalf("%s in an operation: %s", v.Kind, v)
	return nil
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
	r := edn.NewReader(strings.NewReader(text))
	for {
		v, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		m, ok := plain(t, v).(map[any]any)
		if !ok || v.Line != len(out)+1 || v.Column != 1 {
			t.Fatalf("line %d: want a map on a line of its own: %s", v.Line, v)
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
