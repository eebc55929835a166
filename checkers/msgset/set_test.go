package msgset

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"waybill/harness/history"
)

// message is one of few lives and pages, so that sets collide, with an absurd sequence now and then.
var message = rapid.Custom(func(t *rapid.T) history.Msg {
	return history.Msg{
		Life: history.Life(rapid.IntRange(1, 3).Draw(t, "life")),
		Seq:  rapid.OneOf(rapid.Uint64Range(0, 3*PageSize), rapid.Uint64()).Draw(t, "seq"),
	}
})

func TestASetIsWhatAMapWouldBe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sets, maps_ := [2]Set{}, [2]map[history.Msg]bool{{}, {}}
		pool := rapid.SliceOfN(message, 1, 40).Draw(t, "pool")
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				i, m := rapid.IntRange(0, 1).Draw(t, "set"), rapid.SampledFrom(pool).Draw(t, "message")
				if got := sets[i].Add(m); got == maps_[i][m] {
					t.Fatalf("adding %v reports %v", m, got)
				}
				maps_[i][m] = true
			},
			"remove": func(t *rapid.T) {
				i, m := rapid.IntRange(0, 1).Draw(t, "set"), rapid.SampledFrom(pool).Draw(t, "message")
				if got := sets[i].Remove(m); got != maps_[i][m] {
					t.Fatalf("removing %v reports %v", m, got)
				}
				delete(maps_[i], m)
			},
			"union": func(*rapid.T) {
				sets[0].Union(&sets[1])
				maps.Copy(maps_[0], maps_[1])
			},
			"": func(t *rapid.T) {
				a, b := &sets[0], &sets[1]
				equal(t, "set", a, maps_[0], func(m history.Msg) bool { return maps_[0][m] })
				equal(t, "and", a.And(b), maps_[0], func(m history.Msg) bool { return maps_[1][m] })
				equal(t, "and not", a.AndNot(b), maps_[0], func(m history.Msg) bool { return !maps_[1][m] })
				both := maps.Clone(maps_[0])
				maps.Copy(both, maps_[1])
				equal(t, "or", a.Or(b), both, func(history.Msg) bool { return true })
				var of []history.Msg
				for m := range a.Of(2) {
					of = append(of, m)
				}
				if want := slices.Collect(filter(a, 2)); !slices.Equal(of, want) {
					t.Fatalf("of life 2: %v, want %v", of, want)
				}
			},
		})
	})
}

func filter(s *Set, life history.Life) func(func(history.Msg) bool) {
	return func(yield func(history.Msg) bool) {
		for m := range s.All() {
			if m.Life == life && !yield(m) {
				return
			}
		}
	}
}

func equal(t *rapid.T, what string, got *Set, from map[history.Msg]bool, want func(history.Msg) bool) {
	t.Helper()
	n := int64(0)
	for m, in := range from {
		if !in || !want(m) {
			if got.Has(m) {
				t.Fatalf("%s has %v", what, m)
			}
			continue
		}
		n++
		if !got.Has(m) {
			t.Fatalf("%s lacks %v", what, m)
		}
	}
	if got.Len() != n {
		t.Fatalf("%s has %d, want %d", what, got.Len(), n)
	}
	list := slices.Collect(got.All())
	if int64(len(list)) != n || !slices.IsSortedFunc(list, func(a, b history.Msg) int {
		if a.Life != b.Life {
			return int(a.Life) - int(b.Life)
		}
		if a.Seq < b.Seq {
			return -1
		}
		return 1
	}) {
		t.Fatalf("%s lists %v", what, list)
	}
}

func TestANilSetIsEmpty(t *testing.T) {
	var s *Set
	m := history.Msg{Life: 1, Seq: 1}
	if s.Has(m) || s.Len() != 0 || s.Remove(m) || s.And(s).Len() != 0 || s.AndNot(s).Len() != 0 || s.Or(s).Len() != 0 {
		t.Error("a nil set holds something")
	}
	for m := range s.All() {
		t.Errorf("a nil set yields %v", m)
	}
}

func TestSumsTellMultisetsApartAndNotTheirOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type pair struct {
			m  history.Msg
			at int64
		}
		pairs := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) pair { return pair{message.Draw(t, "m"), rapid.Int64Range(1, 1<<40).Draw(t, "at")} }), 1, 30).Draw(t, "pairs")
		sum := func(list []pair) *Sums {
			s := &Sums{}
			for _, p := range list {
				s.Add(p.m, history.Position{Offset: p.at})
			}
			return s
		}
		if a, b := sum(pairs), sum(rapid.Permutation(pairs).Draw(t, "order")); !a.Equal(b) {
			t.Fatal("order matters")
		}
		changed := slices.Clone(pairs)
		i := rapid.IntRange(0, len(pairs)-1).Draw(t, "which")
		changed[i].at++
		differ := slices.Collect(sum(pairs).Differ(sum(changed)))
		if d := cmp.Diff([]Page{PageOf(pairs[i].m)}, differ); d != "" {
			t.Fatal(d)
		}
	})
}
