package targets

// Planter is implemented by a Target whose bugs are switches: the harness's own test piece, by which the audit is seen to catch what it
// claims to. No product is one.
type Planter interface {
	// Plants lists the bugs, in the order in which they are to be shown.
	Plants() []Plant
}

// Plant is a bug that a Planter's broker can be started with.
type Plant struct {
	Name      string
	Summary   string
	Modes     []string // in which it shows
	Fault     string   // that it needs, or that costs the least time where it needs none
	Anomalies []string // any of which the audit is expected to report
}

// Planted is a bug to start with: the share of messages that it harms.
type Planted struct {
	Name string
	Rate float64 // 0 < Rate <= 1
}
