package jepsen

import (
	"fmt"
	"strconv"

	"waybill/harness/edn"
	"waybill/harness/history"
)

// exporter is the process whose operations say that Waybill wrote a history.
const exporter = "waybill"

// exported is what such an operation says of how values were made.
type exported struct {
	run     string
	outputs map[string]bool // keys whose values are outputs of transactions
}

func readExported(v edn.Value) *exported {
	run, _ := v.Get("run")
	if len(run.Text) != len(importedRun) {
		return nil
	}
	x := &exported{run: run.Text, outputs: map[string]bool{}}
	keys, _ := v.Get("output-keys")
	for _, k := range keys.Items {
		x.outputs[k.String()] = true
	}
	return x
}

// importedRun is the run in the tokens of a history that Waybill did not record.
const importedRun = "imported"

// Where names of messages begin; see the package comment. A token holds lives up to 99,999 and sequences below ten thousand million.
const (
	keyLives   = 10_000
	otherLives = 90_000
	maxSeq     = 10_000_000_000
)

// names gives the messages of a history the identities that tokens are made of.
type names struct {
	msgs []history.Msg
	run  string
}

func nameAll(h *History) (names, error) {
	n := names{msgs: make([]history.Msg, len(h.messages)), run: importedRun}
	if h.exported != nil {
		n.run = h.exported.run
	}
	plain := make([]bool, len(h.keys)) // all values are integers that fit
	for k := range plain {
		plain[k] = true
	}
	for _, m := range h.messages {
		v, err := strconv.ParseInt(m.value, 10, 64)
		plain[m.key] = plain[m.key] && err == nil && v > 0 && v < maxSeq
	}
	lives, others := make([]history.Life, len(h.keys)), 0
	for k, name := range h.keys {
		if v, err := strconv.ParseInt(name, 10, 64); err == nil && v >= 0 && v < otherLives-keyLives {
			lives[k] = keyLives + history.Life(v)
		} else {
			lives[k] = otherLives + history.Life(others)
			others++
		}
	}
	if others > otherLives/9 {
		return n, fmt.Errorf("jepsen: %w: %d keys are no integers from 0 to %d, and at most %d of those have names", ErrHistory, others, otherLives-keyLives-1, otherLives/9)
	}
	count := make([]uint64, len(h.keys))
	for i, m := range h.messages {
		count[m.key]++
		v, err := strconv.ParseUint(m.value, 10, 63)
		switch x := h.exported; {
		case x != nil && !x.outputs[h.keys[m.key]] && err == nil && v >= maxSeq && v%maxSeq > 0 && v/maxSeq < keyLives:
			n.msgs[i] = history.Msg{Life: history.Life(v / maxSeq), Seq: v % maxSeq}
		case plain[m.key]:
			n.msgs[i] = history.Msg{Life: lives[m.key], Seq: v}
		default:
			n.msgs[i] = history.Msg{Life: lives[m.key], Seq: count[m.key]}
		}
	}
	return n, nil
}
