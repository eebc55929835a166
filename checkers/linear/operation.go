package linear

import (
	"errors"
	"fmt"
	"math"
)

// Pending as an operation's Return says that nobody learnt its outcome.
const Pending = math.MaxInt64

// ErrHistory marks operations that are no history of the object: the check says nothing of them.
var ErrHistory = errors.New("not a history of the object")

// Kind is what an operation does.
type Kind uint8

const (
	Enqueue Kind = iota + 1 // Value
	Dequeue                 // Value, what was dequeued; none where it is pending
	Empty                   // a dequeue that found nothing
	Append                  // Value, and Position, where it was given one; none where it is pending
	Read                    // Position, and Value, what was there
	End                     // Position: the end of the log
)

var kindNames = []string{"", "enqueue", "dequeue", "empty dequeue", "append", "read", "end"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", k)
}

// Operation is one call of the object and what came back.
type Operation struct {
	Kind     Kind
	Client   int // who called it: for drawings only
	Value    uint64
	Position int64
	Call     int64 // ticks, a lower bound
	Return   int64 // ticks, an upper bound, or Pending
}

// before is the order of real time.
func (o *Operation) before(p *Operation) bool { return o.Return < p.Call }

// Pattern is a way of not being linearizable: see the package's comment for what each one means.
type Pattern string

const (
	Fresh          Pattern = "fresh"
	Early          Pattern = "early"
	Repeated       Pattern = "repeated"
	Order          Pattern = "order"
	NeverEmpty     Pattern = "empty"
	SharedPosition Pattern = "shared position"
	Moved          Pattern = "moved"
)

// Violation is one occurrence of a pattern.
type Violation struct {
	Pattern Pattern
	Witness []int // the operations that show it, as indices into the history
}

// Verdict is the patterns found, each once, with the occurrence that the check met first. None: the history is linearizable.
type Verdict []Violation

// Linearizable reports whether no pattern was found.
func (v Verdict) Linearizable() bool { return len(v) == 0 }

// Has reports whether a pattern was found.
func (v Verdict) Has(p Pattern) bool {
	for _, x := range v {
		if x.Pattern == p {
			return true
		}
	}
	return false
}

func (v *Verdict) add(p Pattern, witness ...int) {
	if !v.Has(p) {
		*v = append(*v, Violation{p, witness})
	}
}

// valid says what is wrong with an operation by itself.
func valid(i int, o *Operation, kinds ...Kind) error {
	known := false
	for _, k := range kinds {
		known = known || o.Kind == k
	}
	switch {
	case !known:
		return fmt.Errorf("linear: operation %d is %w: it is of kind %v, want one of %v", i, ErrHistory, o.Kind, kinds)
	case o.Return < o.Call:
		return fmt.Errorf("linear: operation %d is %w: it returns at tick %d and is called at %d, want the return not to be smaller", i, ErrHistory, o.Return, o.Call)
	}
	return nil
}
