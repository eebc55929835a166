package window

import (
	"fmt"
	"io"
	"time"

	"github.com/anishathalye/porcupine"

	"waybill/checkers/linear"
)

// Picture is a window and what to say of it.
type Picture struct {
	Operations []linear.Operation
	Violation  linear.Violation    // its witness as indices into Operations
	Name       func(uint64) string // of a value; nil: its number
	Log        bool                // a log's operations, else a queue's
}

// patience bounds porcupine's search: a window has a few dozen operations.
const patience = 5 * time.Second

// Draw writes a page, one file that needs no network, on which porcupine shows how far the operations can be put in sequence. The ones of
// the witness are marked.
//
// It reports what porcupine says of the window by itself: false where it is linearizable or where the search took too long, so that the page
// shows no contradiction.
func Draw(w io.Writer, p Picture) (illegal bool, err error) {
	model := QueueModel()
	if p.Log {
		model = LogModel()
	}
	name := p.Name
	if name == nil {
		name = number
	}
	marked := map[int]bool{}
	for _, i := range p.Violation.Witness {
		marked[i] = true
	}
	model.DescribeOperation = func(input, _ any) string { return describe(input.(call), name) }
	model.DescribeOperationMetadata = func(note any) string { return note.(string) }
	ops := Operations(p.Operations)
	var notes []porcupine.Annotation
	for i := range ops {
		o := &p.Operations[i]
		ops[i].Metadata = fmt.Sprintf("called at tick %d, %s", o.Call, returned(o))
		if marked[i] {
			ops[i].Metadata = fmt.Sprintf("witness of %q: %s", p.Violation.Pattern, ops[i].Metadata)
			notes = append(notes, porcupine.Annotation{Tag: "witness", Start: o.Call, End: shownEnd(p.Operations, o), BackgroundColor: "#c0392b", TextColor: "#ffffff",
				Description: describe(ops[i].Input.(call), name), Details: fmt.Sprintf("%s; %v", p.Violation.Pattern, ops[i].Metadata)})
		}
	}
	result, info := porcupine.CheckOperationsVerbose(model, ops, patience)
	info.AddAnnotations(notes)
	if err := porcupine.Visualize(model, info, w); err != nil {
		return false, fmt.Errorf("window: draw: %w", err)
	}
	return result == porcupine.Illegal, nil
}

func returned(o *linear.Operation) string {
	if o.Return == linear.Pending {
		return "outcome unknown"
	}
	return fmt.Sprintf("returned at tick %d", o.Return)
}

// shownEnd is where an annotation ends: an operation of unknown outcome has no end, and one at the end of time would dwarf the others.
func shownEnd(ops []linear.Operation, o *linear.Operation) int64 {
	if o.Return != linear.Pending {
		return o.Return
	}
	end := o.Call
	for _, x := range ops {
		end = max(end, x.Call)
		if x.Return != linear.Pending {
			end = max(end, x.Return)
		}
	}
	return end
}
