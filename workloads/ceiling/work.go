package ceiling

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// work keeps a processor busy for a time a message. It is counted in steps and not by the clock: on a machine that does other things
// meanwhile a clock runs on while the work does not.
type work struct{ steps float64 } // a message

// sink keeps the compiler from leaving the work out.
var sink atomic.Uint64

// stepsPerNano is how many steps this machine's processor takes in a nanosecond: the most seen in several short trials, since whatever
// disturbs one makes it slower.
var stepsPerNano = sync.OnceValue(func() float64 {
	const steps = 1 << 16
	shortest := time.Duration(math.MaxInt64)
	for range 32 {
		began := time.Now()
		busy(steps)
		shortest = min(shortest, time.Since(began))
	}
	return steps / float64(shortest)
})

func newWork(perMessage time.Duration) work {
	if perMessage <= 0 {
		return work{}
	}
	return work{steps: float64(perMessage) * stepsPerNano()}
}

// do works for n messages.
func (w work) do(n int) {
	if w.steps > 0 {
		busy(int(w.steps * float64(n)))
	}
}

// busy takes steps, each of which needs the one before.
func busy(steps int) {
	x := uint64(steps) | 1
	for range steps {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	sink.Store(x)
}
