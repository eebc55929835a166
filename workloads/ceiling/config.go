package ceiling

import (
	"time"

	"waybill/harness/experiment"
)

// Config says what one run is to do.
type Config struct {
	Dir    string // of the run: an existing folder, in which history/ and effects/ are made and must not exist yet
	Run    string // eight characters, part of every token
	Seed   uint64
	Rate   float64 // messages a second, open loop; 0: a flood
	Window int     // messages without an outcome, at most; 0: DefaultWindow
	Batch  int     // deliveries received at once, at most; 0: DefaultBatch
	Size   int     // bytes of a message, its token among them; 0: DefaultSize

	Batched bool              // messages are handed over many at once: targets.BatchProducer
	Record  experiment.Record // "": everything
	Warm    time.Duration     // before it is measured
	Measure time.Duration     // for which it is; sending ends with it
	Bin     time.Duration     // of the series; 0: DefaultBin

	Pauses []Pause       // in the order of their beginnings, which must not overlap
	Slow   time.Duration // that the broker's processor is busy with each message it takes
}

// Pause is a time in which the broker does nothing: it takes what it is sent, answers none of it and delivers nothing.
type Pause struct {
	At     time.Duration // from the first message on
	Length time.Duration
}

// What a Config means where it says 0.
const (
	DefaultWindow = 4096
	DefaultBatch  = 512
	DefaultSize   = 128
	DefaultBin    = 100 * time.Millisecond
)

// Result is what came of a run. Figures of the history are not here: the run directory is read like any other, with Experiment.
type Result struct {
	Experiment experiment.Experiment // of the run: one lane, no faults

	Bin      int   // microseconds
	From, To int   // bins that are measured, To not included: what is before is warm-up, what is after is drained
	FromTick int64 // the same on the history's clock, microseconds
	ToTick   int64
	Sent     []int64 // in each bin
	Acked    []int64
	Applied  []int64

	Elapsed time.Duration // measured
	CPU     time.Duration // of this whole process, user and system, in that time
}

// Messages is how many messages were applied while it was measured.
func (r Result) Messages() (n int64) {
	for i := r.From; i < r.To && i < len(r.Applied); i++ {
		n += r.Applied[i]
	}
	return n
}

// Rate is messages applied a second.
func (r Result) Rate() float64 { return per(float64(r.Messages()), r.Elapsed) }

// PerCore is messages applied a second of processor time: what one processor can do that does nothing else.
func (r Result) PerCore() float64 { return per(float64(r.Messages()), r.CPU) }

func per(n float64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return n / d.Seconds()
}
