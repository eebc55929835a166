package workloads

import (
	"container/heap"
	"time"
)

// retry is a message to be sent again.
type retry struct {
	at      time.Time
	seq     uint64
	attempt uint32
	doubt   bool
}

// retries is a heap by time.
type retries []retry

func (r retries) Len() int           { return len(r) }
func (r retries) Less(i, j int) bool { return r[i].at.Before(r[j].at) }
func (r retries) Swap(i, j int)      { r[i], r[j] = r[j], r[i] }
func (r *retries) Push(x any)        { *r = append(*r, x.(retry)) }
func (r *retries) Pop() any {
	old := *r
	last := old[len(old)-1]
	*r = old[:len(old)-1]
	return last
}

// due removes and returns what is to be sent by now.
func (r *retries) due(now time.Time) []retry {
	var out []retry
	for len(*r) > 0 && !(*r)[0].at.After(now) {
		out = append(out, heap.Pop(r).(retry))
	}
	return out
}

// wait is how long until the next one is due, at most limit.
func (r retries) wait(now time.Time, limit time.Duration) time.Duration {
	if len(r) == 0 {
		return limit
	}
	return max(0, min(limit, r[0].at.Sub(now)))
}

func (r retries) withoutDoubts() retries {
	var kept retries
	for _, x := range r {
		if !x.doubt {
			kept = append(kept, x)
		}
	}
	heap.Init(&kept)
	return kept
}
