package msgset

import (
	"iter"
	"maps"
	"slices"
)

// reach is how far beyond its end a near table grows to take an index in; what is further goes into a map.
const reach = 64

// A table holds a *T for each of some indexes: those that grow from 0 in a slice, absurd ones in a map, so that neither many dense
// indexes nor a single huge one costs much. The zero table is empty.
type table[T any] struct {
	near []*T
	far  map[uint64]*T
}

func (t *table[T]) get(i uint64) *T {
	if i < uint64(len(t.near)) {
		return t.near[i]
	}
	return t.far[i]
}

// put sets the entry of i. To forget one, put nil.
func (t *table[T]) put(i uint64, v *T) {
	if n := uint64(len(t.near)); i >= n && i-n < reach {
		t.grow(i + 1)
	}
	switch {
	case i < uint64(len(t.near)):
		t.near[i] = v
	case t.far == nil:
		t.far = map[uint64]*T{i: v}
	default:
		t.far[i] = v
	}
}

// grow makes the near part n long, and takes over what was far until now.
func (t *table[T]) grow(n uint64) {
	t.near = append(t.near, make([]*T, n-uint64(len(t.near)))...)
	for i, v := range t.far {
		if i < n {
			t.near[i] = v
			delete(t.far, i)
		}
	}
}

// all yields what is there in order of the indexes.
func (t *table[T]) all() iter.Seq2[uint64, *T] {
	return func(yield func(uint64, *T) bool) {
		for i, v := range t.near {
			if v != nil && !yield(uint64(i), v) {
				return
			}
		}
		for _, i := range slices.Sorted(maps.Keys(t.far)) {
			if v := t.far[i]; v != nil && !yield(i, v) {
				return
			}
		}
	}
}
