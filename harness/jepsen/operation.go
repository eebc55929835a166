package jepsen

import (
	"errors"
	"fmt"
	"io"

	"waybill/harness/edn"
)

// ErrHistory marks what is EDN, and no history of operations that this package reads.
var ErrHistory = errors.New("not a history that can be audited")

// outcome is an operation's :type.
type outcome uint8

const (
	invoke outcome = iota
	okay
	fail
	info
)

var outcomes = map[string]outcome{"invoke": invoke, "ok": okay, "fail": fail, "info": info}

// operation is one entry of a history, with messages as indices into History.messages.
type operation struct {
	line    int
	index   int64
	time    int64 // nanoseconds
	kind    outcome
	process int // index into History.processes; -1: no client
	f       string
	sends   []copied
	reads   []copied
	keys    []int // of :assign and :subscribe
	seeks   bool  // :seek-to-beginning?
	shaken  []int // keys of a :rebalance-log
	text    string
}

// copied is a message at an offset; -1: not known.
type copied struct {
	msg    int
	offset int64
}

// named is a message as the history names it: key and value as EDN.
type named struct {
	key   int // index into History.keys
	value string
}

// History is what was read of a file.
type History struct {
	ops       []operation
	keys      []string
	messages  []named
	processes []string

	keyOf, processOf map[string]int
	messageOf        map[named]int
	open             map[int]int // process → line of the operation under way
	sent             map[int]int // message → line of its send
	exported         *exported

	Ignored map[string]int // operations of clients that were not used, by :f
}

// Read reads a history: one vector or list of operations, or operation after operation. Operations may be tagged. An error of syntax is an
// *edn.SyntaxError; one that wraps ErrHistory names the line.
func Read(from io.Reader) (*History, error) {
	h := &History{keyOf: map[string]int{}, processOf: map[string]int{}, messageOf: map[named]int{}, open: map[int]int{},
		sent: map[int]int{}, Ignored: map[string]int{}}
	r := edn.NewReader(from)
	if _, err := r.Enter(); err != nil {
		return nil, fmt.Errorf("jepsen: %w", err)
	}
	for {
		v, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("jepsen: %w", err)
		}
		if err := h.add(v.Untagged()); err != nil {
			return nil, err
		}
	}
	if len(h.messages) == 0 {
		return nil, fmt.Errorf("jepsen: %w: no operation sends or polls a message", ErrHistory)
	}
	return h, nil
}

// wrong is an error about a form.
func wrong(v edn.Value, format string, args ...any) error {
	return fmt.Errorf("jepsen: line %d, column %d: %w: %s", v.Line, v.Column, ErrHistory, fmt.Sprintf(format, args...))
}

func (h *History) add(v edn.Value) error {
	if v.Kind != edn.Map {
		return wrong(v, "%s stands where an operation belongs, which is a map with :type, :process, :f and :value", v.Kind)
	}
	kind, err := word(v, "type")
	if err != nil {
		return err
	}
	f, err := word(v, "f")
	if err != nil {
		return err
	}
	p, ok := v.Get("process")
	if !ok || p.Kind != edn.Int && p.Kind != edn.Keyword {
		return wrong(v, "an operation without a :process, which is an integer or a keyword")
	}
	o := operation{line: v.Line, f: f, process: -1, index: int64(len(h.ops))}
	if o.kind, ok = outcomes[kind]; !ok {
		return wrong(v, "the :type :%s: want :invoke, :ok, :fail or :info", kind)
	}
	if err := h.when(v, &o); err != nil {
		return err
	}
	value, _ := v.Get("value")
	if p.Kind == edn.Keyword {
		o.text = p.Text + " :" + f + " " + value.String()
		if p.Text == exporter && f == "export" && h.exported == nil {
			h.exported = readExported(value)
		}
		h.ops = append(h.ops, o)
		return nil
	}
	o.process = intern(&h.processes, h.processOf, p.String())
	if err := h.pair(v, &o); err != nil {
		return err
	}
	if err := h.fill(v, value, &o); err != nil {
		return err
	}
	h.ops = append(h.ops, o)
	return nil
}

// word is the keyword that an operation has for a name.
func word(op edn.Value, name string) (string, error) {
	v, ok := op.Get(name)
	if !ok || v.Kind != edn.Keyword {
		return "", wrong(op, "an operation without a :%s, which is a keyword", name)
	}
	return v.Text, nil
}

// when takes time and index. Without a time the place in the file stands for it.
func (h *History) when(v edn.Value, o *operation) error {
	if i, ok := v.Get("index"); ok && i.Kind == edn.Int {
		o.index = i.Int
	}
	var before int64
	if n := len(h.ops); n > 0 {
		before = h.ops[n-1].time
	}
	o.time = before + 1000
	if t, ok := v.Get("time"); ok && t.Kind == edn.Int {
		if t.Int < 0 || t.Int > maxTime {
			return wrong(t, "the :time %d: want nanoseconds since the beginning, at most %d", t.Int, int64(maxTime))
		}
		o.time = max(before, t.Int) // operations stand in order: where a clock says otherwise, the order counts
	}
	return nil
}

// maxTime is about three years.
const maxTime = 1e17

// pair holds that a process does one thing at a time.
func (h *History) pair(v edn.Value, o *operation) error {
	if o.kind != invoke {
		delete(h.open, o.process)
		return nil
	}
	if line, busy := h.open[o.process]; busy {
		return wrong(v, "process %s invokes :%s while its operation of line %d is under way", h.processes[o.process], o.f, line)
	}
	h.open[o.process] = o.line
	return nil
}

// intern is the index of a name in a table.
func intern(table *[]string, index map[string]int, name string) int {
	i, known := index[name]
	if !known {
		i = len(*table)
		*table = append(*table, name)
		index[name] = i
	}
	return i
}

func (h *History) key(v edn.Value) int { return intern(&h.keys, h.keyOf, v.String()) }

func (h *History) message(key int, value edn.Value) int {
	n := named{key, value.String()}
	i, known := h.messageOf[n]
	if !known {
		i = len(h.messages)
		h.messages = append(h.messages, n)
		h.messageOf[n] = i
	}
	return i
}
