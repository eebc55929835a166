package disk

import (
	"fmt"
	"time"
)

// Model is what survives a loss of power. The zero Model is "lazy".
type Model struct {
	kind      kind
	writeback time.Duration
}

type kind int

const (
	lazy kind = iota
	strict
	torn
	writeback
)

var kinds = map[string]kind{"lazy": lazy, "strict": strict, "torn": torn}

// writebackPrefix stands before the age at which data is written back.
const writebackPrefix = "writeback="

// ParseModel reads "lazy" (also what "" is), "strict", "torn" or "writeback=30s". The package's documentation says
// what they are.
func ParseModel(s string) (Model, error) {
	if s == "" {
		return Model{}, nil
	}
	if k, ok := kinds[s]; ok {
		return Model{kind: k}, nil
	}
	if len(s) > len(writebackPrefix) && s[:len(writebackPrefix)] == writebackPrefix {
		age, err := time.ParseDuration(s[len(writebackPrefix):])
		if err == nil && age > 0 {
			return Model{kind: writeback, writeback: age}, nil
		}
	}
	return Model{}, fmt.Errorf("disk: model %q: expected lazy, strict, torn, or writeback with a positive age as in writeback=30s", s)
}

// String is what ParseModel reads.
func (m Model) String() string {
	if m.kind == writeback {
		return writebackPrefix + m.writeback.String()
	}
	for name, k := range kinds {
		if k == m.kind {
			return name
		}
	}
	return fmt.Sprintf("model %d", m.kind)
}
