package measure

import (
	"math/rand/v2"
	"testing"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// What is remembered grows with the messages on their way and those that never arrive, not with all of them.
func TestMemoryIsOfWhatHasNotArrived(t *testing.T) {
	const messages, onTheirWay = 1_000_000, 1000
	var f flight
	rng := rand.New(rand.NewPCG(1, 2))
	lost, largest := 0, 0
	var open []uint64
	for seq := range uint64(messages) {
		if x, err := f.find(seq + 1); err != nil || x == nil {
			t.Fatalf("message %d: %v, %v", seq+1, x, err)
		}
		open = append(open, seq+1)
		if len(open) < onTheirWay {
			continue
		}
		i := rng.IntN(len(open))
		if rng.IntN(2000) == 0 {
			lost++
		} else {
			f.settle(open[i])
		}
		open[i] = open[len(open)-1]
		open = open[:len(open)-1]
		largest = max(largest, len(f.ring))
	}
	for _, seq := range open {
		f.settle(seq)
	}
	n := 0
	for range f.open() {
		n++
	}
	if n != lost || lost == 0 {
		t.Errorf("%d are open, %d were lost", n, lost)
	}
	if largest > 4*patience || len(f.aside) > lost {
		t.Errorf("a ring of %d and %d aside, with %d on their way and %d lost", largest, len(f.aside), onTheirWay, lost)
	}
}

// A message that was set aside is found again, and forgotten once it has arrived.
func TestALatecomerIsFoundAside(t *testing.T) {
	var f flight
	if x, err := f.find(1); err != nil {
		t.Fatal(err)
	} else {
		x.begin(5, 7)
	}
	for seq := uint64(2); seq < 4*patience; seq++ {
		if _, err := f.find(seq); err != nil {
			t.Fatal(err)
		}
		f.settle(seq)
	}
	x, err := f.find(1)
	if err != nil || x == nil || x.intended != 5 || x.sent() != 7 || len(f.aside) != 1 {
		t.Fatalf("%+v, %v, %d aside", x, err, len(f.aside))
	}
	f.settle(1)
	if x, err := f.find(1); x != nil || err != nil || len(f.aside) != 0 {
		t.Errorf("arrived, and found: %+v, %v", x, err)
	}
	if x, err := f.find(2); x != nil || err != nil {
		t.Errorf("arrived before, and found: %+v, %v", x, err)
	}
}

// BenchmarkSee is how long one message takes: it is sent, confirmed, delivered and applied.
func BenchmarkSee(b *testing.B) {
	m := newMeter(Job{Lane: experiment.Lane{Mode: semantics.Mode{Traits: semantics.Traits{Confirms: true}}}, Window: Window{From: 0, To: 1 << 60}})
	kinds := []history.Event{{Kind: history.Send}, {Kind: history.Outcome, Status: history.Acked}, {Kind: history.Delivery}, {Kind: history.ApplyEnd, Status: history.OK}}
	b.ReportAllocs()
	for seq := uint64(1); b.Loop(); seq++ {
		for i := range kinds {
			e := &kinds[i]
			e.Msg, e.Time, e.Intended = history.Msg{Life: 2, Seq: seq}, int64(seq)+int64(100*i), int64(seq)
			if err := m.see(e); err != nil {
				b.Fatal(err)
			}
		}
	}
}
