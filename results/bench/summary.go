package bench

import (
	"time"

	"waybill/harness/semantics"
)

// Summary is what may be said of a benchmark: the only thing that pages, plots and exports look at besides its replicates.
type Summary struct {
	Plan     Plan      `json:"plan"`
	Levels   []Level   `json:"levels"`  // of each mode: its saturation
	Loads    []Load    `json:"loads"`   // of each mode and offered load: its latencies
	Curves   []Curve   `json:"curves"`  // of each mode: throughput and latency against the window
	Ratios   []Ratio   `json:"ratios"`  // of modes, each against the weakest of its target; of the harness against itself and its rivals; A/A
	Smallest []Noise   `json:"noise"`   // of each target: what A/A says
	Ceiling  *Ceiling  `json:"ceiling"` // nil: not measured
	Warnings []Warning `json:"warnings"`
}

// Interval is an estimate with a 95 % interval, of N runs or pairs. Low and High are NaN-free: with too few runs Enough is false and
// they are the smallest and the largest value.
type Interval struct {
	N        int     `json:"n"`
	Estimate float64 `json:"estimate"`
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
	Enough   bool    `json:"enough"`
}

// Level is how much goes through one mode, in unique messages a second.
type Level struct {
	Arm     Arm       `json:"arm"`
	Runs    []float64 `json:"runs"` // goodput of each block, in their order
	Goodput Interval  `json:"goodput"`
	Mark    Mark      `json:"mark"`
	Struck  bool      `json:"struck,omitempty"`  // a run of it broke a promise: its figures do not count
	Hatched bool      `json:"hatched,omitempty"` // above half of the harness's ceiling
	Place   Placement `json:"place"`
}

// Mark is what is known of a mode's promises: of the benchmark's own runs, and of the tests that were given beside it.
type Mark struct {
	Runs     semantics.Result            `json:"runs"`             // of the replicates: the worst
	Faults   map[string]semantics.Result `json:"faults,omitempty"` // of tests: fault → the worst of its cells
	Tested   int                         `json:"tested"`           // conclusive cells of tests
	Held     bool                        `json:"held"`             // all of those kept, and at least one
	Broken   bool                        `json:"broken"`           // any broken, here or there
	Evidence []string                    `json:"evidence,omitempty"`
}

// Placement says where an acknowledged message is, and what it therefore survives by the vendor's promise.
type Placement struct {
	Guarantee string    `json:"guarantee"`      // "stored exactly once, applied at least once"
	Sync      string    `json:"sync,omitempty"` // the policy of fsync: "always", "every 2m0s", "never"
	Survives  []Survive `json:"survives"`
}

// Survive is one kind of crash.
type Survive struct {
	What string `json:"what"` // "client crash", "broker crash", "power failure of one", "power failure of all"
	Does bool   `json:"does"`
}

// Load is the latency of a mode at one offered load: histograms of all blocks merged, and quantiles of each run.
type Load struct {
	Arm     Arm            `json:"arm"`
	Offered float64        `json:"offered"` // messages a second, the median over blocks
	Goodput Interval       `json:"goodput"`
	Stages  []StageLatency `json:"stages"`
	Struck  bool           `json:"struck,omitempty"`
	Hatched bool           `json:"hatched,omitempty"`
	Mark    Mark           `json:"mark"`
}

// StageLatency is one stage, corrected or not, of all runs together.
type StageLatency struct {
	To        string              `json:"to"`
	Corrected bool                `json:"corrected"`
	Merged    []Quantile          `json:"merged"`  // of the merged histogram
	PerRun    map[string]Interval `json:"per_run"` // "p50", "p99", "p999" → median of the runs' own
	N         int64               `json:"n"`
	Failed    int64               `json:"failed"`
}

// Quantile is a value of a distribution: At of it, from 0 to 1, is at most Value microseconds.
type Quantile struct {
	At    float64 `json:"at"`
	Value int64   `json:"value"`
}

// Curve is one mode at several windows, batches or commit intervals.
type Curve struct {
	Target  string  `json:"target"`
	Profile string  `json:"profile,omitempty"`
	Mode    string  `json:"mode"`
	Over    string  `json:"over"` // "window", "batch", "commit"
	Points  []Point `json:"points"`
}

// Point is one setting of a curve.
type Point struct {
	Arm     Arm      `json:"arm"`
	Value   int      `json:"value"`
	Goodput Interval `json:"goodput"`
	P50     Interval `json:"p50"` // microseconds, to application or, where none is observed, confirmation; corrected
	P99     Interval `json:"p99"`
	Struck  bool     `json:"struck,omitempty"`
	Hatched bool     `json:"hatched,omitempty"`
	Front   bool     `json:"front"` // no other point of the target's modes with the same guarantee is better in both
}

// About is what a ratio is about.
type About string

// Subjects of ratios.
const (
	OfModes   About = "modes"   // what a guarantee costs beside the weakest of its target
	OfHarness About = "harness" // audited / unaudited, audited / bare, audited / rival
	OfItself  About = "a/a"     // the same arm under two names
	OfSearch  About = "search"  // free for a comparison of two benchmarks: new / baseline
)

// Ratio is the goodput of one arm divided by another's, from pairs of one block: Hodges and Lehmann's estimate of the logarithms' difference,
// with the interval of Wilcoxon's signed ranks.
type Ratio struct {
	About  About     `json:"about"`
	Name   string    `json:"name"` // "jetstream-dedup / jetstream"
	Over   string    `json:"over"` // arm in the numerator
	Under  string    `json:"under"`
	Pairs  []float64 `json:"pairs"` // of each block
	Ratio  Interval  `json:"ratio"`
	P      float64   `json:"p"`      // two-sided, corrected by Holm within its subject and target
	Claims bool      `json:"claims"` // the interval excludes 1 and the estimate is farther from 1 than the smallest difference that may be claimed
	Goal   *Goal     `json:"goal,omitempty"`
	Noise  float64   `json:"noise"` // what A/A pairs measured as these were differ by: the smallest difference that may be claimed
	Struck bool      `json:"struck,omitempty"`
}

// Goal is what a ratio of the harness is to reach.
type Goal struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low,omitempty"` // of the interval's lower end; 0: nothing is asked
	Met    bool    `json:"met"`
}

// Noise is what the A/A pairs of one target say.
type Noise struct {
	Target   string  `json:"target"`
	Turns    bool    `json:"turns,omitempty"` // of arms that take turns, rather than run by themselves
	Pairs    int     `json:"pairs"`           // ratios of arms with themselves
	Missing  int     `json:"missing"`         // of those, the ones whose interval excludes 1
	Smallest float64 `json:"smallest"`        // the smallest difference that may be claimed, 0.03 for 3 %: half the width of the widest interval; of one that misses 1, the distance of its far end
	Enough   bool    `json:"enough"`          // each of them has an interval: else nothing may be claimed
}

// Ceiling is what the harness does on a null target, in messages a second and core.
type Ceiling struct {
	Plain   Interval `json:"plain"`
	Batched Interval `json:"batched"`
}

// Warning is something that a reader must know before the figures.
type Warning struct {
	Grave bool   `json:"grave"` // on top of the page
	Text  string `json:"text"`
}

// Tested is a verdict of a test under faults of one of the benchmark's targets, and where its run directory is.
type Tested struct {
	Target  string
	Version string
	Dir     string
	At      time.Time
	Verdict semantics.Verdict
}
