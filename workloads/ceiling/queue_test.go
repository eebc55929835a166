package ceiling

import (
	"testing"

	"pgregory.net/rapid"
	"waybill/targets"
)

func TestAQueueGivesWhatItWasGivenInOrderAndLeavesItToWhoeverTookIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q queue
		var given, got uint64
		var lent []targets.Delivery
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			for range rapid.IntRange(0, 2*chunk).Draw(t, "give") {
				given++
				q.next().Tag = given
			}
			for i := range lent {
				if want := got - uint64(len(lent)-1-i); lent[i].Tag != want {
					t.Fatalf("what was taken as %d became %d", want, lent[i].Tag)
				}
			}
			most := rapid.IntRange(0, 2*chunk).Draw(t, "take")
			lent = q.take(min(most, q.n))
			if len(lent) > most || len(lent) == 0 && most > 0 && got < given {
				t.Fatalf("%d of at most %d were taken, with %d in the queue", len(lent), most, given-got)
			}
			for i := range lent {
				if got++; lent[i].Tag != got {
					t.Fatalf("%d was taken in the place of %d", lent[i].Tag, got)
				}
			}
			if q.n != int(given-got) {
				t.Fatalf("the queue says that it has %d of %d", q.n, given-got)
			}
		}
	})
}
