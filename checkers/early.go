package checkers

import (
	"time"

	"waybill/checkers/msgset"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// earlyRedelivery: one copy held by two consumers at once: delivered to another life before the acknowledgement wait of the first
// delivery had passed, although its holder lived and had not given it back. The wait runs from the moment at which the broker sends, which
// nobody sees; it is not before the receive call that fetched the copy began. So it is early only when even from there to the second
// delivery it is less than the wait, less what two clocks may differ by.
//
// Nothing that gives a broker another reason may lie in between: the holder's end, a connection of it opened or lost, its assignment
// taken away, a negative acknowledgement; a confirmed one makes it an illegal redelivery instead. While a fault acts, until its recovery is
// verified, while somebody becomes leader, or after the holder stood still, the broker may have lost sight of the holder or of what it
// had delivered: then the cause is ambiguous, and the redelivery is counted as that.
//
// The mode says what the wait is (Traits.AckWait); where it is not known, where copies have no positions, or where the broker pushes and
// a receive call says nothing of when it sent, no redelivery is called early. At least once permits even an early one.
type earlyRedelivery struct{}

func (earlyRedelivery) exact(l *lane, x *examined) []candidate {
	if x.custody == nil {
		return nil
	}
	c := candidate{anomaly: "early redelivery", group: redeliveryGroup, stage: semantics.Delivered,
		detail: "to another consumer, less than " + l.traits.AckWait.String() + " after the one that still had it began to fetch it"}
	for _, p := range l.promised() {
		if forbidsDuplicatesAt(semantics.Delivered)(p) {
			c.breaks = forbidsDuplicatesAt(semantics.Delivered)
		}
	}
	return byCheckpoint(x.custody.early, c)
}

// young is the messages delivered lately, in two generations of an acknowledgement wait each, and those that came again in that time.
type young struct {
	wait     int64 // ticks
	turn     int64 // when the present generation began
	now, old *msgset.Set
	suspects msgset.Set
}

func newYoung(t semantics.Traits) *young {
	if t.AckWait <= 0 || !t.Acks || t.Transactional {
		return nil
	}
	return &young{wait: ticks(t.AckWait), now: &msgset.Set{}, old: &msgset.Set{}}
}

// ticks of a duration.
func ticks(d time.Duration) int64 { return int64(d / time.Microsecond) }

func (y *young) delivery(e *history.Event) {
	if y == nil || e.Pos.Offset == 0 || e.Flags&history.Foreign != 0 {
		return
	}
	if age := e.Time - y.turn; age >= y.wait {
		y.old, y.now = y.now, &msgset.Set{}
		if age >= 2*y.wait {
			y.old = &msgset.Set{}
		}
		y.turn = e.Time
	}
	if !y.now.Add(e.Msg) || y.old.Has(e.Msg) {
		y.suspects.Add(e.Msg)
	}
}
