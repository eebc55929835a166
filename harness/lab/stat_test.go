package lab

import (
	"testing"
	"time"
)

func TestProcessorTimeIsReadBehindTheNameWhateverItIs(t *testing.T) {
	for _, c := range []struct {
		claim, stat string
		want        time.Duration
		fails       bool
	}{
		{"own and reaped children's, user and system", "12 (sh) S 1 12 12 0 -1 4 5 6 7 8 100 20 3 1 20 0 1 0", 1240 * time.Millisecond, false},
		{"a name with brackets and spaces", "12 (a) b (c) R 1 12 12 0 -1 4 5 6 7 8 50 0 0 0 20", 500 * time.Millisecond, false},
		{"a line cut short", "12 (sh) S 1 12 12 0 -1 4 5 6 7 8 100 20 3", 0, true},
		{"no number", "12 (sh) S 1 12 12 0 -1 4 5 6 7 8 100 x 3 1 20", 0, true},
		{"nothing", "", 0, true},
	} {
		got, err := processorOf(c.stat)
		if got != c.want || (err != nil) != c.fails {
			t.Errorf("%s: %s, %v", c.claim, got, err)
		}
	}
}
