package rabbitmq

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A tag is answered once: by its acknowledgement or by being given back, and it is given back when it is overdue, not before.
func TestEveryTagIsTakenOutOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c, now := newCustody(), time.Unix(0, 0)
		held := map[uint64]time.Time{}
		next := uint64(0)
		rt.Repeat(map[string]func(*rapid.T){
			"hold": func(rt *rapid.T) {
				next++
				c.hold(next, now)
				held[next] = now
			},
			"wait": func(rt *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 3).Draw(rt, "seconds")) * time.Second)
			},
			"take": func(rt *rapid.T) {
				tag := rapid.Uint64Range(0, next+1).Draw(rt, "tag")
				if _, is := held[tag]; c.take(tag) != is {
					rt.Fatalf("tag %d is held %v, and was found to be %v", tag, is, !is)
				}
				delete(held, tag)
			},
			"give back": func(rt *rapid.T) {
				before := now.Add(-2 * time.Second)
				var want []uint64
				for tag, at := range held {
					if at.Before(before) {
						want = append(want, tag)
						delete(held, tag)
					}
				}
				slices.Sort(want)
				if got := c.overdue(before); !slices.Equal(got, want) {
					rt.Fatalf("gives %v back, want %v", got, want)
				}
			},
		})
	})
}
