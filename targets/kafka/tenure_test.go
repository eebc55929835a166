package kafka

import (
	"testing"

	"pgregory.net/rapid"
)

// A committed offset never passes a delivery that was not acknowledged, and what was left behind comes again.
func TestNoOffsetPassesWhatIsNotAcknowledged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const part = 3
		ts := newTenures()
		ts.begin(part, 0)
		number, _ := ts.of(part)
		next, committed, call := int64(0), int64(0), uint64(0)
		acked, calls := map[int64]bool{}, map[int64]uint64{}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"receive", "ack", "back"}).Draw(t, "step") {
			case "receive":
				call++
				for p, o := range ts.rewinds() {
					if p != part || o < committed || o > next {
						t.Fatalf("goes back to %d in partition %d, with %d committed of %d", o, p, committed, next)
					}
					for k := o; k < next; k++ {
						delete(acked, k)
					}
					next = o
				}
				for range rapid.IntRange(0, 4).Draw(t, "n") {
					if expected, moved := ts.deliver(part, next, call); moved {
						t.Fatalf("offset %d follows %d and is called a reset", next, expected)
					}
					calls[next] = call
					next++
				}
			case "ack":
				for o := committed; o < next; o++ {
					if calls[o] > 0 && ts.valid(part, number, o, calls[o]) && rapid.Bool().Draw(t, "ack") {
						ts.ack(part, o)
						acked[o] = true
					}
				}
				if upTo, moved := ts.settle()[part]; moved {
					for o := committed; o <= upTo; o++ {
						if !acked[o] {
							t.Fatalf("commits up to %d, and %d is not acknowledged", upTo, o)
						}
					}
					committed = upTo + 1
				}
			case "back":
				ts.forsake()
			}
		}
	})
}

func TestADeliveryEndsWithItsTenure(t *testing.T) {
	ts := newTenures()
	ts.begin(1, -2)
	old, _ := ts.of(1)
	ts.deliver(1, 7, 1)
	if !ts.valid(1, old, 7, 1) || ts.valid(1, old, 8, 1) || ts.valid(2, old, 7, 1) || ts.valid(1, old, 7, 2) {
		t.Error("only what is delivered may be acknowledged")
	}
	ts.end(1)
	if _, owned := ts.of(1); owned || ts.valid(1, old, 7, 1) {
		t.Error("a partition that was taken away is still owned")
	}
	ts.begin(1, 5)
	ts.deliver(1, 7, 2)
	if ts.valid(1, old, 7, 1) {
		t.Error("a delivery of an earlier tenure is valid in the next")
	}
	now, _ := ts.of(1)
	if ts.retake(1, old, 5); len(ts.rewinds()) != 0 {
		t.Error("a commit of an earlier tenure moves the next one")
	}
	if ts.retake(1, now, 7); ts.rewinds()[1] != 7 {
		t.Error("a commit that is not confirmed is not repeated")
	}
}

func TestAJumpIsAReset(t *testing.T) {
	ts := newTenures()
	ts.begin(0, 4)
	if expected, moved := ts.deliver(0, 6, 1); !moved || expected != 4 {
		t.Errorf("from %d to 6: %v", expected, moved)
	}
	if _, moved := ts.deliver(0, 7, 1); moved {
		t.Error("the next offset is called a reset")
	}
	if _, moved := ts.deliver(0, 2, 2); !moved {
		t.Error("an offset before is not called a reset")
	}
	if n, _ := ts.of(0); ts.valid(0, n, 7, 1) {
		t.Error("what lies beyond a step back can be acknowledged")
	}
}
