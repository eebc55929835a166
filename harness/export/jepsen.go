package export

import (
	"fmt"
	"io"
	"strconv"

	"waybill/harness/experiment"
	"waybill/harness/history"
)

// Left counts what has no words in Jepsen's vocabulary.
type Left struct {
	Foreign   int64 // deliveries and outputs of another run
	Corrupt   int64 // whose token did not match what it came with
	Nowhere   int64 // deliveries without a position in a queue that has positions
	Unwritten int64 // values that nobody is known to have sent: each has a send of unknown outcome instead
}

// String names what is not zero.
func (l Left) String() string {
	var s string
	for _, x := range []struct {
		n    int64
		what string
	}{{l.Foreign, "of another run"}, {l.Corrupt, "corrupt"}, {l.Nowhere, "without a position"}, {l.Unwritten, "that nobody is known to have sent (given a send of unknown outcome)"}} {
		if x.n > 0 {
			s += fmt.Sprintf(", %d %s", x.n, x.what)
		}
	}
	if s == "" {
		return ""
	}
	return s[2:]
}

// Jepsen writes the history of one lane, by its index in the experiment, as operations that Jepsen's checkers take; the package
// comment has the mapping. It reads src twice.
func Jepsen(w io.Writer, src history.Source, x experiment.Experiment, lane int) (Left, error) {
	if lane < 0 || lane >= len(x.Lanes) {
		return Left{}, fmt.Errorf("export: no lane %d: the experiment has %d", lane, len(x.Lanes))
	}
	s, err := takeSurvey(src, uint32(lane))
	if err != nil {
		return Left{}, fmt.Errorf("export: %w", err)
	}
	j := newJepsen(newWriter(w), s)
	begun := false
	for e, err := range src.Events() {
		if err != nil {
			return j.left, fmt.Errorf("export: %w", err)
		}
		if !begun {
			begun = true
			j.about(e.Time, x, lane)
		}
		j.see(e)
	}
	if begun {
		j.end()
	}
	if err := j.w.close(); err != nil {
		return j.left, fmt.Errorf("export: %w", err)
	}
	return j.left, nil
}

// jepsen turns events into operations.
type jepsen struct {
	w     *writer
	s     *survey
	lives lives
	left  Left

	producers map[history.Life]*producer
	consumers map[history.Life]*consumer
	unsent    map[written]bool // values that got a send of their own
	strikes   map[uint64]string
	reader    *reader
	drain     *drain // under way; nil: none
	value     []byte
}

// written is a value at a key.
type written struct{ key, value int64 }

func newJepsen(w *writer, s *survey) *jepsen {
	return &jepsen{w: w, s: s, lives: lives{}, producers: map[history.Life]*producer{}, consumers: map[history.Life]*consumer{},
		unsent: map[written]bool{}, strikes: map[uint64]string{}}
}

// valueOf is the long that stands for a message.
func valueOf(m history.Msg) int64 { return int64(m.Life)*1e10 + int64(m.Seq) }

// outputOf is the long that stands for the i-th output of a transaction attempt.
func outputOf(t txnID, i int) int64 { return int64(t.life)*1e12 + int64(t.n)*1e5 + int64(i) }

func (j *jepsen) see(e *history.Event) {
	j.lives.see(e)
	switch e.Kind {
	case history.LifeEnd:
		j.died(e.Other, e.Time)
		return
	case history.FaultInject:
		j.strikes[e.Ref] = e.Name
		j.fault(e.Time, "start", e.Name, e.Text)
		return
	case history.FaultInjected:
		j.fault(e.Time, "start", j.strikes[e.Ref], "")
		return
	case history.FaultRecover:
		j.fault(e.Time, "stop", j.strikes[e.Ref], "")
		return
	case history.FaultVerified:
		j.fault(e.Time, "stop", j.strikes[e.Ref], e.Status.String())
		return
	case history.CheckpointBegin:
		j.readerBegins(e)
		j.drainBegins(e)
		return
	}
	if j.lives.lane(e) != j.s.lane {
		return
	}
	j.drains(e.Time)
	switch e.Kind {
	case history.Send:
		j.send(e)
	case history.Outcome:
		j.outcome(e)
	case history.Readback:
		j.output(e)
	case history.ReadbackEnd:
		j.readerEnds(e)
	case history.CheckpointEnd:
		j.drainEnds(e)
	default:
		j.consume(e)
	}
}

// usable reports whether a delivery or output can be exported, and counts it if not.
func (j *jepsen) usable(e *history.Event) bool {
	switch {
	case e.Flags&history.Foreign != 0:
		j.left.Foreign++
	case e.Flags&history.Corrupt != 0:
		j.left.Corrupt++
	case e.Pos.Offset <= 0 && j.s.positional():
		j.left.Nowhere++
	default:
		return true
	}
	return false
}

// wrote sees to it that a value which was polled has a writer: Jepsen's checker throws where it has none.
func (j *jepsen) wrote(at int64, x written) {
	if j.unsent[x] {
		return
	}
	j.unsent[x] = true
	j.left.Unwritten++
	p := j.w.process()
	f, value := "send", j.sendValue(x.key, -1, x.value, false)
	if !j.s.positional() {
		f, value = "enqueue", strconv.AppendInt(nil, x.value, 10)
	}
	j.w.op(at, invoke, p, f, value, "")
	j.w.op(at, info, p, f, value, " :error :no-send-recorded")
}

// died closes what a life left open.
func (j *jepsen) died(life history.Life, at int64) {
	if p := j.producers[life]; p != nil {
		j.closeSends(p, at)
		delete(j.producers, life)
	}
	if c := j.consumers[life]; c != nil {
		j.closeConsumer(c, at)
		delete(j.consumers, life)
	}
}

// end closes everything that is still open, process after process, and says what was left out.
func (j *jepsen) end() {
	at := j.w.at
	for _, life := range ordered(j.producers) {
		j.closeSends(j.producers[life], at)
	}
	for _, life := range ordered(j.consumers) {
		j.closeConsumer(j.consumers[life], at)
	}
	j.closeReader(at, info)
	j.w.put(at, info, ":waybill", "export", appendString([]byte("{:left-out "), j.left.String()), "}")
}

// about is the first operation: where the history is from and how to read it.
func (j *jepsen) about(at int64, x experiment.Experiment, lane int) {
	b := []byte("{:run ")
	b = appendString(b, x.Run)
	b = appendString(append(b, " :target "...), x.Target)
	b = appendString(append(b, " :version "...), x.Version)
	b = appendString(append(b, " :lane "...), x.Lanes[lane].Name)
	b = appendString(append(b, " :value "...), "life * 10000000000 + sequence, of token wb1-RUN-LIFE-SEQUENCE")
	if end := j.s.outputs.end(); end > j.s.queue.end() {
		b = appendString(append(b, " :output-value "...), "life * 1000000000000 + transaction * 100000 + place")
		b = appendLongs(append(b, " :output-keys "...), j.s.outputs.keys())
	}
	b = appendLongs(append(b, " :queue-keys "...), j.s.queue.keys())
	j.w.put(at, info, ":waybill", "export", append(b, '}'), "")
}

func (j *jepsen) fault(at int64, f, name, text string) {
	b := appendString(append(j.value[:0], '['), name)
	b = append(appendString(append(b, ' '), text), ']')
	j.value = b
	j.w.put(at, info, ":nemesis", f, b, "")
}
