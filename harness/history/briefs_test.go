package history

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzBriefs reads any bytes as records, once one by one and once with briefs and shown as events again.
func FuzzBriefs(f *testing.F) {
	for _, steps := range [][]uint64{{1}, {1, 1, 1, 7}, {2, 1}} {
		for _, first := range []Event{
			{Msg: Msg{2, 1}, Pos: Position{Offset: 1}},
			{Msg: Msg{2, 1}, Key: 5, Tag: 1, Call: 3, Intended: 9},
			{Msg: Msg{2, 1<<64 - 20}, Pos: Position{Offset: -20}, Tag: 1<<64 - 30},
			{Msg: Msg{1<<32 - 1, 1}, BrokerTime: 77, Name: "n"},
		} {
			for _, kinds := range [][]Kind{{Delivery}, {Delivery, AckCalled}, {Readback}, {Send, Send, Send, Readback, Outcome}} {
				f.Add(plainly(first, kinds, steps))
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		want, wantErr := decodeAll(b)
		got, gotErr := decodeBriefly(b)
		if diff := cmp.Diff(want, got); diff != "" || (wantErr == nil) != (gotErr == nil) || wantErr != nil && wantErr.Error() != gotErr.Error() {
			t.Errorf("one by one (-) and in briefs (+), after %v and %v:\n%s", wantErr, gotErr, diff)
		}
	})
}

// plainly is the records of many events that differ little, by steps of different length.
func plainly(e Event, kinds []Kind, steps []uint64) (b []byte) {
	var c encoder
	at := int64(1 << 20)
	for i := range 120 {
		e.Kind = kinds[i%len(kinds)]
		b = c.append(b, &e, at)
		at += int64(i % 40 * (i % 5))
		e.Msg.Seq += steps[i%len(steps)]
		if i%9 == 8 {
			e.Msg.Life ^= 1
		}
		if e.Pos.Offset != 0 {
			e.Pos.Offset++
		}
		if e.Tag != 0 {
			e.Tag++
		}
		if e.Key != 0 {
			e.Key = 5 + uint32(i%16)
			e.Call += 2
			e.Intended += 10
		}
	}
	return b
}

// decodeBriefly is what decodeAll is.
func decodeBriefly(b []byte) (events []Event, err error) {
	var d decoder
	var s shown
	d.open(b)
	for {
		one := &batch{}
		one.begin(64, one, 0, 0)
		ranks := make([]rank, 64)
		n := d.briefs(one.briefs, one.counts, ranks, -1<<63)
		if n == 0 {
			e, err := d.record()
			if e == nil {
				return events, err
			}
			if e.Kind > lastKind {
				events = append(events, *e)
				continue
			}
			one.put(0, e, d.whole)
			n = 1
		}
		for i := range n {
			events = append(events, *s.show(one, i))
		}
	}
}
