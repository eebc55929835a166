package bench

import (
	"time"

	"waybill/harness/semantics"
)

// Replicate is one run of one arm on a fresh queue with fresh clients: a line of replicates.jsonl. Rates are messages a second between From
// and To of Series, instants microseconds.
type Replicate struct {
	Arm     string    `json:"arm"`
	Block   int       `json:"block"` // from 1; 0: of the search for the saturation
	Place   int       `json:"place"` // in the block's order, from 1
	Run     string    `json:"run"`   // that is part of its tokens; its run directory is runs/RUN while it is kept
	Started time.Time `json:"started"`
	Offered float64   `json:"offered,omitempty"` // messages a second that were to be sent; 0: as many as went through

	Sent    float64 `json:"sent"`
	Acked   float64 `json:"acked"`
	Goodput float64 `json:"goodput"` // unique messages applied; of an arm that only publishes, and of a rival: acknowledged
	Settled bool    `json:"settled"` // the warm-up ended by its criterion
	Series  Series  `json:"series"`

	Latency []Latencies    `json:"latency,omitempty"`
	Counts  Counts         `json:"counts"`
	Verdict Verdict        `json:"verdict"`
	CPU     CPU            `json:"cpu,omitzero"`
	Late    map[string]int `json:"late,omitempty"` // quantile ("p50", "p99", "max") → microseconds by which sends were later than intended
	Trouble []string       `json:"trouble,omitempty"`
	Failed  string         `json:"failed,omitempty"` // why nothing was measured: no figure of it counts
	Output  string         `json:"output,omitempty"` // a rival's own last lines
	Probes  []Probe        `json:"probes,omitempty"` // of a search, in their order
}

// Probe is one rate that a search offered, and what came of it: messages a second.
type Probe struct {
	Offered   float64 `json:"offered"`
	Applied   float64 `json:"applied"`
	Sustained bool    `json:"sustained"`
	Flood     bool    `json:"flood,omitempty"` // as much was offered as the windows let out
}

// Series is throughput over time, from the first message on, in bins of Bin microseconds.
type Series struct {
	Bin     int     `json:"bin"`
	From    int     `json:"from"` // first bin that is measured: what is before is warm-up
	To      int     `json:"to"`   // first bin that is not measured any more
	Sent    []int64 `json:"sent,omitempty"`
	Acked   []int64 `json:"acked,omitempty"`
	Applied []int64 `json:"applied,omitempty"`
}

// Rate is how many a second of a series were counted in the bins that are measured.
func (s Series) Rate(bins []int64) float64 {
	var n int64
	for i := s.From; i < s.To && i < len(bins); i++ {
		n += bins[i]
	}
	if s.To <= s.From || s.Bin <= 0 {
		return 0
	}
	return float64(n) / (float64(s.To-s.From) * float64(s.Bin) / 1e6)
}

// Latencies are the times from one instant to one stage of the messages meant to be sent in the measured window.
type Latencies struct {
	To        string `json:"to"`        // "confirmed", "delivered", "applied", "visible"
	Corrected bool   `json:"corrected"` // from the intended instant; else from the actual send
	Histogram string `json:"histogram"` // HdrHistogram V2, compressed, base64: microseconds. What failed or timed out is in it, at the time it had taken by then
	Failed    int64  `json:"failed"`    // how many of its values are of messages that never got there
}

// Counts are totals of a replicate, warm-up and drain included.
type Counts struct {
	Sent       int64 `json:"sent"`
	Acked      int64 `json:"acked"`
	Unknown    int64 `json:"unknown,omitempty"`
	Applied    int64 `json:"applied"` // unique
	Lost       int64 `json:"lost,omitempty"`
	Missing    int64 `json:"missing,omitempty"`
	Duplicates int64 `json:"duplicates,omitempty"` // applied more often than once, beyond the first
}

// Verdict is what the audit of a replicate says: of an arm that is not audited, nothing.
type Verdict struct {
	Result   semantics.Result `json:"result,omitempty"` // Kept: no promise contradicted and the drain proven; Broken; Inconclusive
	Why      string           `json:"why,omitempty"`
	Findings []string         `json:"findings,omitempty"` // a line each
}

// CPU is processor time used in the measured window, in seconds: of the clients of the harness or the rival, and of the brokers.
type CPU struct {
	Clients float64 `json:"clients"`
	Brokers float64 `json:"brokers"`
}
