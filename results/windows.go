package results

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"waybill/checkers/linear"
	"waybill/checkers/linear/window"
	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

const (
	// windowSize is about how many operations a drawing shows.
	windowSize = 30
	// windowReach bounds how many appends are kept, before a message was sent and after, to choose the nearest from.
	windowReach = 256
	// windowsMost bounds how many findings of a run are drawn.
	windowsMost = 20
)

// drawnAs are the anomalies that contradict the order of appends: those have a window.
var drawnAs = map[string]bool{"reordered": true, "nonlinear": true}

// WriteWindows draws, for each finding about the order of appends, those around its first message, as windows/ID.html below d: the message,
// the one acknowledged before it was sent whose position is greater all the same, and what was in flight beside them. It reads the history twice
// if there is such a finding, and holds some hundred appends of each. A finding whose window does not contradict the order by itself is not drawn.
func WriteWindows(d Dir, src history.Source, exp experiment.Experiment, v semantics.Verdict) error {
	w := windows{lanes: map[string]uint32{}, run: exp.Run}
	for i, l := range exp.Lanes {
		w.lanes[l.Name] = uint32(i)
	}
	for _, f := range v.Findings {
		w.want(f)
	}
	if len(w.all) == 0 {
		return nil
	}
	if err := w.read(src, w.place); err != nil {
		return err
	}
	clear(w.sent)
	if err := w.read(src, w.surround); err != nil {
		return err
	}
	if err := os.MkdirAll(d.Path(windowsDir), 0o755); err != nil {
		return fmt.Errorf("results: make the folder of windows: %w", err)
	}
	var errs []error
	for _, o := range w.all {
		errs = append(errs, o.draw(d))
	}
	return errors.Join(errs...)
}

const windowsDir = "windows"

// windowOf is one finding's: the appends of one lane around one message.
type windowOf struct {
	finding int
	lane    uint32
	late    appended
	above   appended   // acknowledged before late was sent, at a greater position
	before  []appended // a ring, of those acknowledged before late was sent
	next    int
	after   []appended
}

// appended is a message acknowledged at a position.
type appended struct {
	msg         history.Msg
	pos         history.Position
	sent, acked int64
}

type windows struct {
	run   string
	lanes map[string]uint32
	all   []*windowOf
	sent  map[history.Msg]int64 // in flight: when first sent
}

func (w *windows) want(f semantics.Finding) {
	lane, known := w.lanes[f.Lane]
	if !drawnAs[f.Anomaly] || len(f.Tokens) == 0 || !known || len(w.all) == windowsMost {
		return
	}
	run, msg, _, err := history.ParseToken(f.Tokens[0] + "-00000000") // a finding names a token without its checksum
	if err != nil || run != w.run {
		return
	}
	w.all = append(w.all, &windowOf{finding: f.ID, lane: lane, late: appended{msg: msg}})
}

// read hands over every message's first acknowledgement that names a position, with its lane.
func (w *windows) read(src history.Source, take func(o *windowOf, a appended)) error {
	w.sent = map[history.Msg]int64{}
	for e, err := range src.Events() {
		if err != nil {
			return fmt.Errorf("results: read windows: %w", err)
		}
		switch {
		case e.Kind == history.Send && e.Flags&history.Doubt == 0:
			if _, flying := w.sent[e.Msg]; !flying {
				w.sent[e.Msg] = e.Time
			}
		case e.Kind == history.Outcome && e.Status == history.Acked:
			at, flying := w.sent[e.Msg]
			delete(w.sent, e.Msg)
			if !flying || e.Pos.Offset == 0 {
				continue
			}
			for _, o := range w.all {
				if o.lane == e.Lane {
					take(o, appended{e.Msg, e.Pos, at, e.Time})
				}
			}
		}
	}
	return nil
}

// place finds the late message itself.
func (w *windows) place(o *windowOf, a appended) {
	if a.msg == o.late.msg && o.late.acked == 0 {
		o.late = a
	}
}

// surround keeps what was acknowledged around it.
func (w *windows) surround(o *windowOf, a appended) {
	if o.late.acked == 0 || a.msg == o.late.msg || a.pos.Partition != o.late.pos.Partition || a.pos.Incarnation != o.late.pos.Incarnation {
		return
	}
	switch {
	case a.acked >= o.late.sent:
		if len(o.after) < windowReach && a.sent <= o.late.acked {
			o.after = append(o.after, a)
		}
		return
	case a.pos.Offset > o.late.pos.Offset:
		o.above = a // the last one: the shortest window
	}
	if len(o.before) < windowReach {
		o.before = append(o.before, a)
		return
	}
	o.before[o.next] = a
	o.next = (o.next + 1) % windowReach
}

// draw writes the page.
func (o *windowOf) draw(d Dir) error {
	if o.late.acked == 0 || o.above.acked == 0 {
		return nil
	}
	all := []appended{o.above, o.late}
	for _, a := range append(o.before, o.after...) {
		if a.msg != o.above.msg && a.pos.Offset != o.above.pos.Offset && a.pos.Offset != o.late.pos.Offset {
			all = append(all, a)
		}
	}
	ops := make([]linear.Operation, len(all))
	client := map[history.Life]int{}
	for i, a := range all {
		if _, known := client[a.msg.Life]; !known {
			client[a.msg.Life] = len(client)
		}
		ops[i] = linear.Operation{Kind: linear.Append, Client: client[a.msg.Life], Value: uint64(i), Position: a.pos.Offset, Call: a.sent, Return: a.acked}
	}
	p := window.Picture{Log: true, Violation: linear.Violation{Pattern: linear.Order},
		Name: func(v uint64) string { return fmt.Sprintf("%05d-%010d", all[v].msg.Life, all[v].msg.Seq) }}
	for _, i := range window.Around(ops, []int{0, 1}, windowSize) {
		if i < 2 {
			p.Violation.Witness = append(p.Violation.Witness, len(p.Operations))
		}
		p.Operations = append(p.Operations, ops[i])
	}
	if found, err := linear.CheckLog(p.Operations); err != nil || !found.Has(linear.Order) {
		return err
	}
	var page bytes.Buffer
	if _, err := window.Draw(&page, p); err != nil {
		return fmt.Errorf("results: window of finding %d: %w", o.finding, err)
	}
	file := windowsOf(o.finding)
	if err := writeFile(d.Path(file), page.Bytes()); err != nil {
		return fmt.Errorf("results: %s: %w", filepath.ToSlash(file), err)
	}
	return nil
}
