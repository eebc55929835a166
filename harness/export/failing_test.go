package export

import (
	"errors"
	"iter"

	"waybill/harness/history"
)

// failing is a history that cannot be read to its end.
type failing struct {
	history.Memory
	err error
}

func (f failing) Events() iter.Seq2[*history.Event, error] {
	return func(yield func(*history.Event, error) bool) {
		for e := range f.Memory.Events() {
			if !yield(e, nil) {
				return
			}
		}
		yield(nil, f.err)
	}
}

var errSmall = errors.New("no room")

// small is a disk with so many bytes left.
type small struct{ room int }

func (s *small) Write(b []byte) (int, error) {
	n := min(s.room, len(b))
	s.room -= n
	if n < len(b) {
		return n, errSmall
	}
	return n, nil
}
