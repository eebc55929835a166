// Package experiment says what to run: the resolved experiment and its schedule, as data, validated, saved and read back.
//
// It starts nothing and knows no broker and no fault by name; whoever builds an Experiment passes the catalogues to check against.
package experiment

import (
	"time"

	"waybill/harness/semantics"
)

// Experiment is everything about a run that is known before it starts, resolved: what experiment.yaml in a run directory holds.
type Experiment struct {
	Run      string             `yaml:"run" json:"run"` // eight characters, unique: part of every token
	Target   string             `yaml:"target" json:"target"`
	Profile  string             `yaml:"profile" json:"profile"`
	Version  string             `yaml:"version,omitempty" json:"version,omitempty"`
	Seed     uint64             `yaml:"seed" json:"seed"`
	Nodes    int                `yaml:"nodes" json:"nodes"`
	Extra    []string           `yaml:"extra,omitempty" json:"extra,omitempty"`     // hosts beside the brokers that the profile has
	Cluster  string             `yaml:"cluster,omitempty" json:"cluster,omitempty"` // "external", or "": brokers in the lab
	Brokers  []string           `yaml:"brokers,omitempty" json:"brokers,omitempty"` // addresses of an external cluster
	Ledger   string             `yaml:"ledger,omitempty" json:"ledger,omitempty"`   // database of the effect ledger, without its password; "": SQLite
	Lanes    []Lane             `yaml:"lanes" json:"lanes"`
	Load     Load               `yaml:"load" json:"load"`
	Limits   Limits             `yaml:"limits" json:"limits"`
	Settings map[string]string  `yaml:"settings,omitempty" json:"settings,omitempty"` // of the target: "ack-wait": "2s (default 30s)"
	FastHeal bool               `yaml:"fastHeal,omitempty" json:"fastHeal,omitempty"`
	Proxy    bool               `yaml:"proxy,omitempty" json:"proxy,omitempty"` // faults of frames act in a proxy beside each client, not in its dialer
	Plant    map[string]float64 `yaml:"plant,omitempty" json:"plant,omitempty"` // bugs that the brokers were started with → share of messages
}

// Lane is one mode in the run, with a queue and clients of its own.
type Lane struct {
	Name      string         `yaml:"name" json:"name"`
	Queue     string         `yaml:"queue" json:"queue"`
	Mode      semantics.Mode `yaml:"mode" json:"mode"`
	Producers int            `yaml:"producers" json:"producers"`
	Consumers int            `yaml:"consumers" json:"consumers"`
}

// Load is what the clients of every lane do.
type Load struct {
	Rate       float64       `yaml:"rate" json:"rate"`   // messages a second and lane, open loop
	Burst      int           `yaml:"burst" json:"burst"` // messages sent back to back by one producer
	Size       int           `yaml:"size" json:"size"`   // bytes of a message: its token and its payload
	Keys       int           `yaml:"keys" json:"keys"`
	Processing time.Duration `yaml:"processing" json:"processing"` // by the consumer, a message
	Batch      int           `yaml:"batch" json:"batch"`           // deliveries received at once
	Confirm    time.Duration `yaml:"confirm" json:"confirm"`       // after which a producer calls an attempt unknown
	Doubts     float64       `yaml:"doubts" json:"doubts"`         // share of acknowledged messages sent again, where the store deduplicates
	Withhold   float64       `yaml:"withhold" json:"withhold"`     // share of deliveries applied but not acknowledged, where the effect deduplicates

	// What follows is for benchmarks; tests leave it empty.
	Window int    `yaml:"window,omitempty" json:"window,omitempty"` // most messages that one producer leaves without an outcome; 0: as many as are answered within Confirm
	Whole  bool   `yaml:"whole,omitempty" json:"whole,omitempty"`   // a window that was full opens again when all of it has an outcome
	Flood  bool   `yaml:"flood,omitempty" json:"flood,omitempty"`   // a producer sends as soon as its window lets it; Rate is not looked at
	Commit int    `yaml:"commit,omitempty" json:"commit,omitempty"` // batches in one transaction; 0: the usual four
	Record Record `yaml:"record,omitempty" json:"record,omitempty"` // "": everything
}

// Record says how much of what clients do is recorded.
type Record string

// What a benchmark may leave out, to show what it costs. Nothing can be audited then.
const (
	NoEvents Record = "none" // tokens travel and are read; live figures are kept
	NoTokens Record = "bare" // nor do tokens: payloads alone
)

// Limits are Waybill's own: what liveness is judged against.
type Limits struct {
	Start   time.Duration `yaml:"start" json:"start"`     // for brokers to form a cluster
	Trigger time.Duration `yaml:"trigger" json:"trigger"` // for something to be in flight
	Heal    time.Duration `yaml:"heal" json:"heal"`       // for a sentinel to be acknowledged and delivered after recovery
	Sync    time.Duration `yaml:"sync" json:"sync"`       // for all replicas to catch up before the next strike
	Settle  time.Duration `yaml:"settle" json:"settle"`   // longer than the longest timeout in play
	Quiesce time.Duration `yaml:"quiesce" json:"quiesce"`
	Drain   time.Duration `yaml:"drain" json:"drain"`
}

// Schedule is the chain of episodes: what schedule.yaml holds. The same seed gives the same schedule.
type Schedule struct {
	Episodes []Episode `yaml:"episodes" json:"episodes"`
	LeftOut  []string  `yaml:"leftOut,omitempty" json:"leftOut,omitempty"` // faults that did not fit the time

	Refused map[string]string `yaml:"refused,omitempty" json:"refused,omitempty"` // faults that cannot be had here → why
}

// Episode is one fault of the schedule, symbolically.
type Episode struct {
	Number int               `yaml:"number" json:"number"` // from 1
	Fault  string            `yaml:"fault" json:"fault"`   // with parameters: "kill-leader:of=consumer"
	Seed   uint64            `yaml:"seed" json:"seed"`     // of its random choices
	Calm   time.Duration     `yaml:"calm" json:"calm"`
	Length time.Duration     `yaml:"length" json:"length"`                     // from strike to recovery
	Plan   string            `yaml:"plan" json:"plan"`                         // in words: who, and after which trigger
	Spared map[string]string `yaml:"spared,omitempty" json:"spared,omitempty"` // "lane/stage" → why the fault cannot touch it: n/a
}

// SparedKey is the key of Spared for a lane's stage.
func SparedKey(lane string, s semantics.Stage) string { return lane + "/" + s.String() }
