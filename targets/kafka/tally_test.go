package kafka

import (
	"hash/maphash"
	"testing"

	"pgregory.net/rapid"
	"waybill/harness/history"
)

func TestATallyIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// A few homes for many: most have to go elsewhere.
		ids, is, want := rapid.Uint32Range(0, 11), newTally(), map[copyID]int32{}
		is.homes = is.homes[:4]
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			n := ids.Draw(t, "id")
			id := copyID{uint64(n / 2), n}
			writes, there := want[id]
			c := is.find(id)
			switch {
			case (c != nil) != there || there && c.writes != writes:
				t.Fatalf("%v: found %v, want %d (%v)", id, c, writes, there)
			case !there:
				is.add(id)
				want[id] = 0
			case rapid.Bool().Draw(t, "count"):
				c.writes++
				want[id]++
			default:
				is.remove(id)
				delete(want, id)
			}
		}
	})
}

func BenchmarkTally(b *testing.B) {
	const open = 20_000 // attempts at once
	seed, tokens := maphash.MakeSeed(), make([]string, 4*open)
	for i := range tokens {
		tokens[i] = history.Token("00000000", history.Msg{Life: 1, Seq: uint64(i)}, 0)
	}
	id := func(i int) copyID {
		x := tokens[i%len(tokens)]
		return copyID{maphash.String(seed, x), history.Neighbourhood(x)}
	}
	b.Run("tally", func(b *testing.B) {
		t := newTally()
		for i := range b.N {
			t.add(id(i))
			if i >= open {
				t.find(id(i-open)).writes++
				t.remove(id(i - open))
			}
		}
	})
	b.Run("map", func(b *testing.B) {
		t := map[copyID]int32{}
		for i := range b.N {
			t[id(i)] = 0
			if i >= open {
				t[id(i-open)]++
				delete(t, id(i-open))
			}
		}
	})
}
