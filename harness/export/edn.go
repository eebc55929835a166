package export

import (
	"bufio"
	"encoding/json"
	"io"
	"strconv"

	"waybill/harness/history"
)

// Types of an operation.
const (
	invoke = "invoke"
	ok     = "ok"
	fail   = "fail"
	info   = "info"
)

// writer writes operations, one a line, and numbers them and the processes. Its first error stays.
type writer struct {
	w         *bufio.Writer
	index     int64
	start     int64 // ticks: time 0
	at        int64 // ticks: of the operation written last
	processes int64
	line      []byte
	err       error
}

func newWriter(w io.Writer) *writer { return &writer{w: bufio.NewWriterSize(w, 1<<16)} }

// process is a number that no process had.
func (w *writer) process() int64 {
	w.processes++
	return w.processes - 1
}

// op writes one operation of a client. extra is "" or further entries of the map, as EDN. Time never runs backwards: where the
// history's order and its times differ (by a tick), the order counts.
func (w *writer) op(at int64, kind string, process int64, f string, value []byte, extra string) {
	w.put(at, kind, strconv.FormatInt(process, 10), f, value, extra)
}

func (w *writer) put(at int64, kind, process, f string, value []byte, extra string) {
	if w.index == 0 {
		w.start, w.at = at, at
	}
	w.at = max(w.at, at)
	b := append(w.line[:0], "{:index "...)
	b = strconv.AppendInt(b, w.index, 10)
	b = append(b, " :time "...)
	b = strconv.AppendInt(b, (w.at-w.start)*1000, 10)
	b = append(append(b, " :type :"...), kind...)
	b = append(append(b, " :process "...), process...)
	b = append(append(b, " :f :"...), f...)
	b = append(append(b, " :value "...), value...)
	b = append(append(b, extra...), "}\n"...)
	w.line = b
	w.index++
	if _, err := w.w.Write(b); err != nil && w.err == nil {
		w.err = err
	}
}

func (w *writer) close() error {
	if err := w.w.Flush(); err != nil && w.err == nil {
		w.err = err
	}
	return w.err
}

// appendLongs appends a vector of longs.
func appendLongs(b []byte, ns []int64) []byte {
	b = append(b, '[')
	for i, n := range ns {
		if i > 0 {
			b = append(b, ' ')
		}
		b = strconv.AppendInt(b, n, 10)
	}
	return append(b, ']')
}

// appendPair appends [offset value]; an offset below 0 is not known, which Jepsen calls nil.
func appendPair(b []byte, offset, value int64) []byte {
	b = append(b, '[')
	if offset < 0 {
		b = append(b, "nil"...)
	} else {
		b = strconv.AppendInt(b, offset, 10)
	}
	return append(strconv.AppendInt(append(b, ' '), value, 10), ']')
}

// appendString appends a string. JSON's escapes are all EDN's, and what is not UTF-8 is replaced.
func appendString(b []byte, s string) []byte {
	j, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string can always be encoded
	}
	return append(b, j...)
}

// because is the entry that says why an operation did not end :ok.
func because(r history.Reason) string {
	if r == history.NoReason {
		return ""
	}
	return " :error :" + r.String()
}
