package export

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"waybill/checkers/checkertest"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// load is how the operations of Porcupine become porcupine's.
func load(t *testing.T, r io.Reader) (out []porcupine.Operation) {
	t.Helper()
	lines := json.NewDecoder(r)
	for {
		var o Operation
		err := lines.Decode(&o)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, porcupine.Operation{ClientId: o.Client, Call: o.Call, Return: o.Return, Input: o.Input, Output: o.Output})
	}
}

// located gives sends of unknown outcome the offset at which they were read, and takes out those that nobody read: they may have done nothing.
func located(ops []porcupine.Operation) (out []porcupine.Operation) {
	at := map[string]int64{}
	for _, o := range ops {
		if o.Input.(Input).Op == "read" {
			at[o.Output.(Output).Message] = o.Output.(Output).Offset
		}
	}
	for _, o := range ops {
		if in, end := o.Input.(Input), o.Output.(Output); in.Op == "send" && end.Unknown {
			if end.Offset = at[in.Message]; end.Offset == 0 {
				continue
			}
			o.Output = end
		}
		out = append(out, o)
	}
	return out
}

// logModel is a log of one partition: its state is what was appended, by offset.
var logModel = porcupine.Model{
	Init: func() any { return map[int64]string{} },
	Step: func(state, input, output any) (bool, any) {
		log, in, out := state.(map[int64]string), input.(Input), output.(Output)
		if in.Op == "read" {
			return log[out.Offset] == out.Message, log
		}
		for offset := range log {
			if offset >= out.Offset {
				return false, log
			}
		}
		next := maps.Clone(log)
		next[out.Offset] = in.Message
		return true, next
	},
	Equal: func(a, b any) bool { return maps.Equal(a.(map[int64]string), b.(map[int64]string)) },
}

// queueModel is a queue that delivers what it holds, in any order and more than once: its state is what was put in.
var queueModel = porcupine.Model{
	Init: func() any { return map[string]bool{} },
	Step: func(state, input, output any) (bool, any) {
		held, in, out := state.(map[string]bool), input.(Input), output.(Output)
		if in.Op == "dequeue" {
			return held[out.Message], held
		}
		next := maps.Clone(held)
		next[in.Message] = true
		return true, next
	},
	Equal: func(a, b any) bool { return maps.Equal(a.(map[string]bool), b.(map[string]bool)) },
}

func porcupined(t *testing.T, src history.Source) []porcupine.Operation {
	t.Helper()
	var b bytes.Buffer
	if err := Porcupine(&b, src, "testtest", 0); err != nil {
		t.Fatal(err)
	}
	return load(t, &b)
}

func TestPorcupineJudgesALogThatWasExported(t *testing.T) {
	mode := checkertest.Modes()[2] // stores a message once
	g := checkertest.Generate(3, checkertest.Options{Modes: []semantics.Mode{mode}, Faults: []string{"lose-confirms"}, Messages: 4})
	ops := located(porcupined(t, g.Events))
	if r := porcupine.CheckOperationsTimeout(logModel, ops, time.Minute); r != porcupine.Ok || len(ops) < 30 {
		t.Fatalf("%d operations of a log that breaks nothing: %s", len(ops), r)
	}
	// Two acknowledgements with each other's position, the one having arrived before the other message was sent.
	events := slices.Clone(g.Events)
	var acked []int
	for i, e := range events {
		if e.Kind == history.Outcome && e.Status == history.Acked && e.Flags == 0 && e.Attempt == 1 {
			acked = append(acked, i)
		}
	}
	first, last := acked[0], acked[len(acked)-1]
	events[first].Pos, events[last].Pos = events[last].Pos, events[first].Pos
	if r := porcupine.CheckOperationsTimeout(logModel, located(porcupined(t, events)), time.Minute); r != porcupine.Illegal {
		t.Errorf("the first message is said to lie where the last one does: %s, want %s", r, porcupine.Illegal)
	}
}

func TestPorcupineJudgesAQueueThatWasExported(t *testing.T) {
	g := checkertest.Generate(5, checkertest.Options{Modes: checkertest.QueueModes()[:1], Faults: []string{"kill-consumer"}, Messages: 3})
	ops := porcupined(t, g.Events)
	if r := porcupine.CheckOperationsTimeout(queueModel, ops, time.Minute); r != porcupine.Ok || len(ops) < 20 {
		t.Fatalf("%d operations of a queue that breaks nothing: %s", len(ops), r)
	}
	i := slices.IndexFunc(ops, func(o porcupine.Operation) bool { return o.Input.(Input).Op == "dequeue" })
	phantom := ops[i].Output.(Output)
	phantom.Message = "never sent"
	ops[i].Output = phantom
	if r := porcupine.CheckOperationsTimeout(queueModel, ops, time.Minute); r != porcupine.Illegal {
		t.Errorf("a message that nobody sent came out: %s, want %s", r, porcupine.Illegal)
	}
}

func TestOperationsOfPorcupineAreWhatHappened(t *testing.T) {
	token := func(seq uint64) string { return history.Msg{Life: producing, Seq: seq}.Prefix("testtest") }
	got := map[string]Operation{}
	ops := porcupined(t, aLog().Memory)
	var last int64
	for _, o := range aLog().Memory {
		last = max(last, o.Time)
	}
	busy := map[int]int64{}
	for _, o := range ops {
		in, out := o.Input.(Input), o.Output.(Output)
		got[in.Op+in.Message+out.Message] = Operation{o.ClientId, o.Call, o.Return, in, out}
		if in.Op == "send" && o.Call < busy[o.ClientId] {
			t.Errorf("client %d begins at %d, while it is busy until %d", o.ClientId, o.Call, busy[o.ClientId])
		}
		busy[o.ClientId] = max(busy[o.ClientId], o.Return)
	}
	if o := got["send"+token(2)]; o.Output.Offset != 7 || o.Input.Partition != 1 || o.Output.Unknown {
		t.Errorf("message 2, acknowledged at its second attempt: %+v", o)
	}
	if o, there := got["send"+token(3)]; there {
		t.Errorf("message 3, rejected: %+v", o)
	}
	if o := got["send"+token(5)]; !o.Output.Unknown || o.Return != last {
		t.Errorf("message 5, never resolved: %+v, want it open to the end at %d", o, last)
	}
	if o := got["send"+token(4)]; !o.Output.Unknown || o.Return != last {
		t.Errorf("message 4, whose only attempt had an unknown outcome: %+v, want it open to the end at %d", o, last)
	}
	if o := got["read"+token(4)]; o.Output.Offset != 4 || o.Call == 0 || o.Call >= o.Return {
		t.Errorf("message 4, delivered: %+v", o)
	}
}
