package history

import "iter"

// Source is a history that can be read from its beginning, in order of time, as often as needed.
// The event is only valid until the next one is asked for. An error ends the sequence.
type Source interface {
	Events() iter.Seq2[*Event, error]
}

// Memory is a history held in memory, already in order of time: for tests.
type Memory []Event

// Events yields the events in the order they are held.
func (m Memory) Events() iter.Seq2[*Event, error] {
	return func(yield func(*Event, error) bool) {
		for i := range m {
			if !yield(&m[i], nil) {
				return
			}
		}
	}
}
