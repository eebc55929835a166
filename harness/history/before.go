package history

import (
	"context"
	"errors"
	"iter"
)

// Before is what was recorded in the folder Dir before the instant Until (ticks), whether its recorders live or not: a Source for
// reading a run again that still goes on. Each iteration looks at the folder anew, so that one finds what came late for
// another. It reads on the goroutine of the caller alone.
type Before struct {
	Dir   string
	Until int64
}

var errEnough = errors.New("the reader has seen enough")

// Events yields the events in order of time, as Tail.Read hands them out.
func (b Before) Events() iter.Seq2[*Event, error] {
	return func(yield func(*Event, error) bool) {
		t := Follow(b.Dir)
		defer t.Close() // only read from
		// The consumer of an iteration ends it by itself when its context does.
		err := t.Read(context.Background(), b.Until, func(e *Event) error {
			if !yield(e, nil) {
				return errEnough
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield(nil, err)
		}
	}
}
