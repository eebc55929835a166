package export

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"waybill/harness/history"
)

// Operation is what porcupine.Operation is made of: ClientId, Call, Input, Return and Output have the same meaning there. To load a lane,
// decode each line into an Operation and copy the five fields; for porcupine.Event make of each a CallEvent and a ReturnEvent with one Id.
//
// A log (a lane whose store has positions) has two operations:
//
//	send  a message with all its attempts. Output.Offset is where the first acknowledgement says that it is; 0: nothing said so.
//	read  one copy that was delivered: Output.Message is what lies at Output.Offset. A delivery of n copies is n operations.
//
// A queue has enqueue (as send), and dequeue, which is one delivery. Messages are unique, named by their tokens.
//
// A model of a log, for each Input.Partition (it can be partitioned by that), whose state is the log's end and what was appended:
// a send appends at an offset at or beyond the end (one of unknown outcome may also do nothing), and a read returns what lies there. For a
// queue: the state is what is in it, and redelivery allows a message to be dequeued again.
//
// What has an unknown outcome may take effect at any time later, so its Return is that of the last event. Sends that were certainly rejected
// are left out. Times are microseconds; equal ones overlap.
type Operation struct {
	Client int    `json:"client"` // one operation at a time: pipelined sends have clients of their own
	Call   int64  `json:"call"`
	Return int64  `json:"return"`
	Input  Input  `json:"input"`
	Output Output `json:"output"`
}

// Input is what an operation was asked to do.
type Input struct {
	Op        string `json:"op"` // send, read, enqueue or dequeue
	Message   string `json:"message,omitempty"`
	Partition uint32 `json:"partition"` // of a read, and of a send where it is known
}

// Output is how an operation ended.
type Output struct {
	Message string `json:"message,omitempty"`
	Offset  int64  `json:"offset,omitempty"`
	Unknown bool   `json:"unknown,omitempty"`
}

// Porcupine writes the operations of one lane of a run, by the lane's index, a JSON object a line, in the order in which they return. It
// reads src twice. Deliveries that are corrupt or of another run are left out.
func Porcupine(w io.Writer, src history.Source, run string, lane int) error {
	s, err := takeSurvey(src, uint32(lane))
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	b := bufio.NewWriterSize(w, 1<<16)
	p := &pairing{out: json.NewEncoder(b), s: s, run: run, lives: lives{}, open: map[history.Msg]*sending{}, free: map[history.Life][]int{},
		receives: map[history.Life]int64{}, clients: map[history.Life][]int{}, copies: map[history.Life]int{}}
	for e, err := range src.Events() {
		if err == nil {
			err = p.see(e)
		}
		if err != nil {
			return fmt.Errorf("export: %w", err)
		}
	}
	for _, m := range slices.SortedFunc(maps.Keys(p.open), func(a, b history.Msg) int { return cmp.Or(cmp.Compare(a.Life, b.Life), cmp.Compare(a.Seq, b.Seq)) }) {
		if err := p.end(m, &history.Event{Time: p.now, Status: history.Unknown}); err != nil {
			return fmt.Errorf("export: %w", err)
		}
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

// pairing pairs what begins with what ends.
type pairing struct {
	out   *json.Encoder
	s     *survey
	run   string
	lives lives
	now   int64

	open     map[history.Msg]*sending
	free     map[history.Life][]int // clients between two operations
	next     int
	receives map[history.Life]int64
	clients  map[history.Life][]int // of consumers: one for each copy of a call
	copies   map[history.Life]int   // that the call under way returned
}

// sending is a message whose outcome is open.
type sending struct {
	call     int64
	client   int
	resolved uint32
	unknown  bool
}

func (p *pairing) see(e *history.Event) error {
	p.lives.see(e)
	p.now = max(p.now, e.Time)
	if p.lives.lane(e) != p.s.lane {
		return nil
	}
	switch e.Kind {
	case history.Send:
		if e.Attempt <= 1 && p.open[e.Msg] == nil {
			p.open[e.Msg] = &sending{call: e.Time, client: p.client(e.Life)}
		}
	case history.Outcome:
		return p.outcome(e)
	case history.Receive:
		p.receives[e.Life], p.copies[e.Life] = e.Time, 0
	case history.Delivery:
		return p.delivery(e)
	}
	return nil
}

// client is one that has no operation open.
func (p *pairing) client(of history.Life) int {
	if n := len(p.free[of]); n > 0 {
		c := p.free[of][n-1]
		p.free[of] = p.free[of][:n-1]
		return c
	}
	p.next++
	return p.next - 1
}

// outcome ends a message at its first acknowledgement, or once all its attempts were certainly rejected. What is unknown stays open.
func (p *pairing) outcome(e *history.Event) error {
	x := p.open[e.Msg]
	if x == nil {
		return nil
	}
	x.resolved++
	x.unknown = x.unknown || e.Status != history.Acked && e.Status != history.Rejected
	switch {
	case e.Status == history.Acked:
		return p.end(e.Msg, e)
	case x.resolved >= max(1, p.s.attempts[e.Msg]) && !x.unknown:
		delete(p.open, e.Msg)
		p.free[e.Life] = append(p.free[e.Life], x.client)
	}
	return nil
}

func (p *pairing) end(m history.Msg, e *history.Event) error {
	x := p.open[m]
	delete(p.open, m)
	o := Operation{Client: x.client, Call: x.call, Return: e.Time, Input: Input{Op: p.op("send", "enqueue"), Message: m.Prefix(p.run), Partition: e.Pos.Partition}}
	if e.Status == history.Acked {
		o.Output.Offset = e.Pos.Offset
		p.free[e.Life] = append(p.free[e.Life], x.client)
	} else {
		o.Output.Unknown = true
	}
	return p.out.Encode(o)
}

func (p *pairing) op(ofLog, ofQueue string) string {
	if p.s.positional() {
		return ofLog
	}
	return ofQueue
}

// delivery is an operation since the call that asked for it: when within that the broker took the copy from its log, nobody knows.
func (p *pairing) delivery(e *history.Event) error {
	if !trusted(e) || p.s.positional() && e.Pos.Offset == 0 {
		return nil
	}
	call, asked := p.receives[e.Life]
	if !asked {
		call = e.Time
	}
	n := p.copies[e.Life]
	if n == len(p.clients[e.Life]) {
		p.clients[e.Life] = append(p.clients[e.Life], p.client(e.Life))
	}
	p.copies[e.Life]++
	return p.out.Encode(Operation{Client: p.clients[e.Life][n], Call: call, Return: e.Time,
		Input:  Input{Op: p.op("read", "dequeue"), Partition: e.Pos.Partition},
		Output: Output{Message: e.Msg.Prefix(p.run), Offset: e.Pos.Offset}})
}
