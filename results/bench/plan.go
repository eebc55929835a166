package bench

import (
	"time"

	"waybill/harness/semantics"
)

// Schema is the version of bench.yaml and replicates.jsonl. It grows when a field changes its meaning.
const Schema = 1

// Plan is a benchmark, resolved: what bench.yaml holds. The same seed gives the same order.
type Plan struct {
	Schema  int           `yaml:"schema" json:"schema"`
	Seed    uint64        `yaml:"seed" json:"seed"`
	Blocks  int           `yaml:"blocks" json:"blocks"`
	Quick   bool          `yaml:"quick,omitempty" json:"quick,omitempty"`
	Measure time.Duration `yaml:"measure" json:"measure"` // of every replicate, after its warm-up
	Warm    time.Duration `yaml:"warm" json:"warm"`       // the longest warm-up; what has not settled by then is measured and said to be so
	Targets []Target      `yaml:"targets" json:"targets"`
	Arms    []Arm         `yaml:"arms" json:"arms"`
	Order   [][]string    `yaml:"order" json:"order"`                     // of each block: names of arms, as they are run
	Notes   []string      `yaml:"notes,omitempty" json:"notes,omitempty"` // what a reader must know of how it was carried out, before any figure
}

// Target is one product of a benchmark.
type Target struct {
	Name    string           `yaml:"name" json:"name"`
	Title   string           `yaml:"title" json:"title"`
	Version string           `yaml:"version" json:"version"`
	Nodes   int              `yaml:"nodes" json:"nodes"`
	Modes   []semantics.Mode `yaml:"modes" json:"modes"` // those of the arms, the weakest guarantee first
	Tool    string           `yaml:"tool,omitempty" json:"tool,omitempty"`
}

// Kind is what runs in an arm.
type Kind string

// Kinds of arms. Only Audited ones have figures of their own on a page; the others are there to be compared with.
const (
	Audited   Kind = "audited"   // tokens on, recorder on, every replicate audited
	Again     Kind = "again"     // the audited arm Of once more under another name: A/A
	Unaudited Kind = "unaudited" // the same client code, tokens on, recorder off
	Bare      Kind = "bare"      // the same client code, neither tokens nor recorder
	Rival     Kind = "rival"     // the product's own benchmark tool
)

// Phase is what an arm is for.
type Phase string

// Phases of a benchmark.
const (
	PhaseSaturation Phase = "saturation" // the largest sustained rate of a mode
	PhaseLatency    Phase = "latency"    // at a share of it, open loop
	PhaseWindow     Phase = "window"     // throughput and latency against window, batch or commit interval
	PhaseCost       Phase = "cost"       // of the harness itself
	PhaseCeiling    Phase = "ceiling"    // of the harness, on a null target
)

// Arm is one thing that every block measures once.
type Arm struct {
	Name        string  `yaml:"name" json:"name"` // unique in the plan: "nats/jetstream", "nats/jetstream at 50%", "nats/jetstream again"
	Phase       Phase   `yaml:"phase" json:"phase"`
	Kind        Kind    `yaml:"kind" json:"kind"`
	Of          string  `yaml:"of,omitempty" json:"of,omitempty"` // the arm it is compared with, block by block
	Target      string  `yaml:"target" json:"target"`
	Profile     string  `yaml:"profile,omitempty" json:"profile,omitempty"`
	Mode        string  `yaml:"mode,omitempty" json:"mode,omitempty"`
	Window      int     `yaml:"window" json:"window"`                     // messages of one producer without an outcome, at most
	Whole       bool    `yaml:"whole,omitempty" json:"whole,omitempty"`   // a window that was full opens when all of it is confirmed, as that of the tool beside it does
	Batch       int     `yaml:"batch" json:"batch"`                       // deliveries received at once, at most
	Commit      int     `yaml:"commit,omitempty" json:"commit,omitempty"` // batches in a transaction; 0: not transactional
	Size        int     `yaml:"size" json:"size"`                         // bytes of a message: its token, if it has one, and its payload
	Producers   int     `yaml:"producers" json:"producers"`
	Consumers   int     `yaml:"consumers" json:"consumers"`
	Share       float64 `yaml:"share,omitempty" json:"share,omitempty"`             // of the mode's saturation, offered in open loop; 0: as much as goes through
	Turns       string  `yaml:"turns,omitempty" json:"turns,omitempty"`             // arms with the same are measured together, a moment each in turn, over and over
	PublishOnly bool    `yaml:"publishOnly,omitempty" json:"publishOnly,omitempty"` // consumers start when the measurement is over, for the audit's sake
}
