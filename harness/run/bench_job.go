package run

import (
	"path/filepath"
	"time"

	"waybill/harness/experiment"
	"waybill/targets"
)

// BenchJob is what a lab for benchmarks needs: brokers of one profile, which stay up while one replicate after another has a queue, clients
// and a run directory of its own.
type BenchJob struct {
	Dir          string // absolute: of the brokers' and clients' folders, and of the brokers' logs
	Distribution targets.Distribution
	Experiment   experiment.Experiment // without lanes
}

// Lab is the folder of the hosts: brokers' data and workers' output. Close removes it when all went well.
func (j BenchJob) Lab() string { return Job{Dir: j.Dir}.Lab() }

// ReplicateJob is one replicate: one lane, no faults, or a rival's process in its place.
type ReplicateJob struct {
	Dir        string                // absolute: its run directory; history is made in it
	Experiment experiment.Experiment // with one lane
	Warm       time.Duration         // the longest warm-up
	Measure    time.Duration
	Late       bool          // consumers start when the measurement is over
	Search     *Search       // not nil: find the largest sustained rate instead of measuring
	Tool       *targets.Tool // not nil: the product's own tool publishes, in place of the lane's producers
	Messages   int           // for a tool that takes a number
}

// History is the folder of the segments.
func (j ReplicateJob) History() string { return filepath.Join(j.Dir, "history") }

// Search is how the largest sustained rate is looked for: rates are offered to the same clients one after another.
type Search struct {
	From  float64       // messages a second: the first rate that is offered; more, where a flood brings more through
	Step  time.Duration // for which each is offered
	Tries int           // at most
}

// ReplicateEnd is what a lab says of a replicate, besides the run directory.
type ReplicateEnd struct {
	Error    string   `json:"error,omitempty"` // why it could not be carried out; the lab goes on
	Bin      int      `json:"bin"`             // of the series, microseconds
	From     int      `json:"from"`            // bins measured
	To       int      `json:"to"`
	FromTick int64    `json:"from_tick"` // the same on the history's clock, microseconds
	ToTick   int64    `json:"to_tick"`
	Settled  bool     `json:"settled"` // the warm-up ended by its criterion
	Sent     []int64  `json:"sent"`    // by live figures of all clients: in each bin
	Acked    []int64  `json:"acked"`
	Applied  []int64  `json:"applied"`
	Probes   []Probe  `json:"probes,omitempty"` // of a search
	Clients  float64  `json:"clients"`          // processor seconds in the measured bins
	Brokers  float64  `json:"brokers"`
	Tool     string   `json:"tool,omitempty"`    // what the tool printed
	Trouble  []string `json:"trouble,omitempty"` // what a reader of the figures must know
}

// Sustained is the largest rate that a search found to be sustained, in messages a second; 0: none was.
func (e ReplicateEnd) Sustained() (rate float64) {
	for _, p := range e.Probes {
		if p.Sustained {
			rate = max(rate, p.Offered)
		}
	}
	return rate
}

// Probe is one rate that a search offered, and what came of it: messages a second.
type Probe struct {
	Offered   float64 `json:"offered"`
	Applied   float64 `json:"applied"` // where nothing is applied until later: acknowledged, or sent where the mode has no confirmations
	Sustained bool    `json:"sustained"`
	Flood     bool    `json:"flood,omitempty"` // as much was offered as the windows let out
}
