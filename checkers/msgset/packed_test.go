package msgset

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"waybill/harness/history"
)

// TestPagesArePackedAndStayWhatTheyAre writes whole stretches, with gaps of every size, over the edges of pages and chunks, and takes some
// out again, so that slots go through all their forms; after each step sets and models are equal, and so is their algebra.
func TestPagesArePackedAndStayWhatTheyAre(t *testing.T) {
	const span = 2*chunkPages*PageSize + 3*PageSize
	rapid.Check(t, func(t *rapid.T) {
		var sets [2]Set
		var models [2][]bool
		for i := range models {
			models[i] = make([]bool, span)
		}
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			i := rapid.IntRange(0, 1).Draw(t, "set")
			from := rapid.IntRange(0, span-1).Draw(t, "from")
			to := min(span, from+rapid.SampledFrom([]int{1, 7, 700, PageSize, 5 * PageSize, span}).Draw(t, "length"))
			step := rapid.SampledFrom([]int{1, 1, 1, 2, 64, 100, 171, 400, 2000}).Draw(t, "step")
			in := rapid.IntRange(0, 2).Draw(t, "in") > 0
			for at := from; at < to; at += step {
				m := history.Msg{Life: 1, Seq: uint64(at)}
				sets[i].Add(history.Msg{Life: 5, Seq: uint64(at / 3)}) // another life, found by the same bits
				changed := false
				if in {
					changed = sets[i].Add(m)
				} else {
					changed = sets[i].Remove(m)
				}
				if changed != (models[i][at] != in) {
					t.Fatalf("changing %d reports %v", at, changed)
				}
				models[i][at] = in
			}
			if rapid.IntRange(0, 3).Draw(t, "unite") == 0 {
				sets[0].Union(&sets[1])
				for at, in := range models[1] {
					models[0][at] = models[0][at] || in
				}
			}
		}
		is := func(what string, s *Set, want func(int) bool) {
			var list []int
			n := int64(0)
			for at := range span {
				if want(at) {
					list = append(list, at)
					n++
				}
				if s.Has(history.Msg{Life: 1, Seq: uint64(at)}) != want(at) {
					t.Fatalf("%s: %d is %v", what, at, !want(at))
				}
			}
			var got []int
			for m := range s.Of(1) {
				got = append(got, int(m.Seq))
			}
			if int64(len(slices.Collect(s.All()))) != s.Len() || !slices.Equal(got, list) {
				t.Fatalf("%s: %d messages, %d listed, want %d", what, s.Len(), len(got), n)
			}
		}
		a, b := models[0], models[1]
		is("first", &sets[0], func(i int) bool { return a[i] })
		is("second", &sets[1], func(i int) bool { return b[i] })
		is("and", sets[0].And(&sets[1]), func(i int) bool { return a[i] && b[i] })
		is("and not", sets[0].AndNot(&sets[1]), func(i int) bool { return a[i] && !b[i] })
		is("or", sets[0].Or(&sets[1]), func(i int) bool { return a[i] || b[i] })
	})
}

// cost is the bytes of heap that something built takes: the least of a few measurements, since the test's own runtime allocates too.
func cost(build func() any) int64 {
	least := int64(1) << 62
	for range 3 {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		held := build()
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(held)
		least = min(least, int64(after.HeapAlloc)-int64(before.HeapAlloc))
	}
	return least
}

func TestASetCostsWhatIsSpecialInIt(t *testing.T) {
	const n = 4_000_000
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name string
		bits float64 // a message
		in   func(i int) bool
	}{
		{"all", 0.05, func(int) bool { return true }},
		{"all but one in ten thousand", 0.1, func(int) bool { return rng.IntN(10_000) != 0 }},
		{"one in ten thousand", 0.1, func(int) bool { return rng.IntN(10_000) == 0 }},
		{"all but one in a hundred", 0.5, func(int) bool { return rng.IntN(100) != 0 }},
		{"one in a hundred", 0.5, func(int) bool { return rng.IntN(100) == 0 }},
		{"every other one", 1.2, func(i int) bool { return i%2 == 0 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			bytes := cost(func() any {
				s := &Set{}
				for i := range n {
					if m := (history.Msg{Life: 1, Seq: uint64(i)}); c.in(i) {
						s.Add(m)
					}
				}
				return s
			})
			bits := float64(bytes) * 8 / n
			t.Logf("%.3f bits a message", bits)
			if bits > c.bits {
				t.Errorf("%.3f bits a message, want at most %g", bits, c.bits)
			}
		})
	}
}

func TestWhatWasUnderWayAndIsGoneCostsNothing(t *testing.T) {
	const n = 4_000_000
	for _, window := range []int{1, 10, 1500} {
		bytes := cost(func() any {
			s := &Set{}
			for i := range n + window {
				if i < n {
					s.Add(history.Msg{Life: 1, Seq: uint64(i)})
				}
				if i >= window {
					s.Remove(history.Msg{Life: 1, Seq: uint64(i - window)})
				}
			}
			return s
		})
		if bytes > 16<<10 {
			t.Errorf("with %d under way: %d bytes are left", window, bytes)
		}
	}
}

func TestAnAbsurdMessageCostsAChunk(t *testing.T) {
	for _, m := range []history.Msg{{Life: 1, Seq: 1e12}, {Life: 1, Seq: 1<<64 - 1}, {Life: 1<<32 - 1, Seq: 1}, {Life: 1<<32 - 1, Seq: 1 << 63}} {
		for what, build := range map[string]func() any{
			"set":  func() any { s := &Set{}; s.Add(m); return s },
			"sums": func() any { s := &Sums{}; s.Add(m, history.Position{Offset: 1e12}); return s },
		} {
			if bytes := cost(build); bytes > 2<<10 {
				t.Errorf("%v in a %s: %d bytes", m, what, bytes)
			}
		}
	}
}

func TestAFlightIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var f Flight[int]
		model := map[history.Msg]int{}
		// Few messages that lie close, so that they collide, and some far away.
		one := rapid.Custom(func(t *rapid.T) history.Msg {
			return history.Msg{Life: history.Life(rapid.IntRange(1, 3).Draw(t, "life")), Seq: rapid.OneOf(rapid.Uint64Range(0, 200), rapid.Uint64()).Draw(t, "seq")}
		})
		for i, m := range rapid.SliceOfN(one, 1, 400).Draw(t, "messages") {
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				_, has := model[m]
				if f.Delete(m) != has {
					t.Fatalf("deleting %v reports %v", m, !has)
				}
				delete(model, m)
			default:
				f.Put(m, i)
				model[m] = i
			}
		}
		for m := range model { // half of it, so that it shrinks
			if m.Seq%2 == 0 {
				f.Delete(m)
				delete(model, m)
			}
		}
		if f.Len() != len(model) {
			t.Fatalf("%d, want %d", f.Len(), len(model))
		}
		n := 0
		for m, v := range f.All() {
			if n++; model[m] != v {
				t.Fatalf("%v has %d, want %d", m, v, model[m])
			}
		}
		for m, v := range model {
			if got, ok := f.Get(m); !ok || got != v {
				t.Fatalf("%v has %d, %v, want %d", m, got, ok, v)
			}
		}
		if n != len(model) {
			t.Fatalf("%d listed, want %d", n, len(model))
		}
	})
}

func TestAFlightForgetsWhatLanded(t *testing.T) {
	bytes := cost(func() any {
		f := &Flight[int64]{}
		for i := range uint64(1_000_000) {
			f.Put(history.Msg{Life: 1, Seq: i}, 1)
		}
		for i := range uint64(1_000_000) {
			f.Delete(history.Msg{Life: 1, Seq: i})
		}
		return f
	})
	if bytes > 8<<10 {
		t.Errorf("%d bytes are left", bytes)
	}
}

func BenchmarkAdd(b *testing.B) {
	var s Set
	var seq uint64
	for b.Loop() {
		seq++
		s.Add(history.Msg{Life: history.Life(1 + seq&3), Seq: seq >> 2})
	}
}

func BenchmarkFlight(b *testing.B) {
	var f Flight[history.Life]
	var seq uint64
	for b.Loop() {
		seq++
		f.Put(history.Msg{Life: history.Life(1 + seq&3), Seq: seq >> 2}, 1)
		if seq > 1000 {
			f.Delete(history.Msg{Life: history.Life(1 + (seq-1000)&3), Seq: (seq - 1000) >> 2})
		}
	}
}

func TestWhatWasFarStaysWhereTheTableGrowsOverIt(t *testing.T) {
	const chunk = chunkPages * PageSize
	var s Set
	for _, c := range []uint64{100, 60, 90, 140, 500} { // 100 and 500 are far at first; 140 takes 100 in
		s.Add(history.Msg{Life: 1, Seq: c * chunk})
		s.Add(history.Msg{Life: history.Life(c), Seq: 1})
	}
	var got []history.Msg
	for m := range s.All() {
		if !s.Has(m) {
			t.Errorf("%v is listed, and is not there", m)
		}
		got = append(got, m)
	}
	var want []history.Msg
	for _, c := range []uint64{60, 90, 100, 140, 500} {
		want = append(want, history.Msg{Life: 1, Seq: c * chunk})
	}
	for _, c := range []history.Life{60, 90, 100, 140, 500} {
		want = append(want, history.Msg{Life: c, Seq: 1})
	}
	if !slices.Equal(want, got) {
		t.Errorf("%v, want %v", got, want)
	}
}
