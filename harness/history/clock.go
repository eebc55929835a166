package history

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// TicksPerSecond is the resolution of Event.Time: ticks of a microsecond.
const TicksPerSecond = 1_000_000

const nanosPerTick = 1_000_000_000 / TicksPerSecond

// clock is this process's way to CLOCK_MONOTONIC. It is measured once and never changes.
var clock = measureClock()

// A clockReading ties Go's own monotonic clock, the fastest to read, to the one that all processes share.
type clockReading struct {
	base   time.Time
	offset int64 // of CLOCK_MONOTONIC at base, nanoseconds
	width  int64 // of the bracket that the offset was found in: the offset is off by less than half of it
}

// Clock is CLOCK_MONOTONIC now, in nanoseconds: the same for all processes of the machine, but for an error below
// half the width that every segment's first ClockCheck event tells. Safe for concurrent use.
func Clock() int64 { return int64(time.Since(clock.base)) + clock.offset }

// FloorTicks is a lower bound in ticks for an instant in nanoseconds: for invocations.
func FloorTicks(nanos int64) int64 { return nanos / nanosPerTick }

// CeilTicks is an upper bound in ticks for an instant in nanoseconds: for completions.
func CeilTicks(nanos int64) int64 { return (nanos + nanosPerTick - 1) / nanosPerTick }

// measureClock reads Go's clock between two readings of CLOCK_MONOTONIC ten times and keeps the narrowest bracket.
func measureClock() clockReading {
	best := clockReading{base: time.Now()}
	for try := range 10 {
		before := monotonicNow()
		since := int64(time.Since(best.base))
		after := monotonicNow()
		if width := after - before; try == 0 || width < best.width {
			best.width = width
			best.offset = before + width/2 - since
		}
	}
	return best
}

func monotonicNow() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		panic(fmt.Sprintf("history: CLOCK_MONOTONIC cannot be read: %v", err)) // every Linux has it
	}
	return t.Nano()
}
