package semantics

// VerdictSchema is the version of verdict.json. It grows when a field changes its meaning.
const VerdictSchema = 1

// Result is what is said of one cell, and of a whole run.
type Result string

const (
	Kept         Result = "kept"
	Broken       Result = "broken"
	Inconclusive Result = "inconclusive" // with why
	NotAffected  Result = "n/a"          // with why: the fault cannot touch this mode, known before the run
	Observed     Result = "observed"     // outside the promise: numbers without a verdict
)

// Verdict is what an audit says of a run directory.
type Verdict struct {
	Schema      int          `json:"schema"`
	Run         string       `json:"run"`
	Target      string       `json:"target"`
	Profile     string       `json:"profile"`
	Seed        uint64       `json:"seed"`
	Result      Result       `json:"result"`
	ExitCode    int          `json:"exitCode"` // 0 kept, 1 broken, 2 inconclusive; 4 where the run failed and no promise was seen broken
	CutShort    string       `json:"cutShort,omitempty"`
	Lanes       []Lane       `json:"lanes"`
	Episodes    []Episode    `json:"episodes"`
	Findings    []Finding    `json:"findings"`
	Assumptions []Assumption `json:"assumptions"`
	Segments    int          `json:"segments"`
	Events      int64        `json:"events"`
	Cuts        []string     `json:"cuts,omitempty"` // segments that end early, named
}

// Lane is the audit of one mode in the run.
type Lane struct {
	Name   string `json:"name"`
	Mode   string `json:"mode"`
	Ledger Ledger `json:"ledger"`
	Cells  []Cell `json:"cells"` // promise × episode, ordered by episode, then stage
}

// Ledger counts messages by stage. Acked + Rejected + Unknown = Sent, and
// Acked - AckedApplied = Lost.Sum() + Undecided.
type Ledger struct {
	Sent, Acked, Rejected, Unknown      int64
	Attempts                            int64
	Observable                          bool  // whether the store can be read: else Stored means nothing
	Stored, StoredTwice                 int64 // messages with a visible copy; with more than one
	Delivered, Redeliveries             int64 // messages; deliveries beyond a message's first
	Applied, AckedApplied, AppliedTwice int64
	DedupStore, DedupEffect             int64 // retries that the store, the ledger answered "have it"
	Missing                             int64 // unknown outcome, absent everywhere
	Lost                                Losses
	Undecided                           int64 // acked, not yet applied, and no drain proven since: 0 after a run that was not cut short
}

// Losses says where acknowledged messages were lost: the earliest stage without a successor.
type Losses struct {
	NotAccepted, Vanished, InDelivery, InConsumer, InEffect int64
}

// Sum is all of them.
func (l Losses) Sum() int64 {
	return l.NotAccepted + l.Vanished + l.InDelivery + l.InConsumer + l.InEffect
}

// Cell is what is said of one promise in one episode.
type Cell struct {
	Episode   int              `json:"episode"`
	Fault     string           `json:"fault"`
	Stage     Stage            `json:"stage"`
	Guarantee Guarantee        `json:"guarantee"`
	Ordered   bool             `json:"ordered,omitempty"`
	Atomic    bool             `json:"atomic,omitempty"`
	Result    Result           `json:"result"`
	Why       string           `json:"why,omitempty"`
	Exposure  []Exposure       `json:"exposure,omitempty"`
	Counts    map[string]int64 `json:"counts,omitempty"`   // what was permitted and happened: "redeliveries": 412
	Findings  []int            `json:"findings,omitempty"` // ids
	N         int              `json:"n"`                  // independent injections with full exposure behind this cell
	Bound     float64          `json:"bound,omitempty"`    // 1 - 0.05^(1/n) at 95 %; 0 when n is 0
}

// Exposure is something that must have been seen for a cell to be kept.
type Exposure struct {
	What string `json:"what"`
	Seen int64  `json:"seen"`
	Need int64  `json:"need"` // 0: shown, not needed
}

// ResentStoredOnce is the exposure of a mode whose producer's library retries within a session, and whose broker does not say which copies
// it had already.
const ResentStoredOnce = "messages that the library sent again, stored once"

// Met reports whether enough was seen.
func (e Exposure) Met() bool { return e.Seen >= e.Need }

// Episode is calm, one fault, heal, settle, checkpoint. Times are ticks (microseconds, CLOCK_MONOTONIC).
type Episode struct {
	Number   int               `json:"number"`
	Fault    string            `json:"fault"`
	Victims  string            `json:"victims"`
	Begin    int64             `json:"begin"`
	Strike   int64             `json:"strike"`
	Recover  int64             `json:"recover"`
	Verified int64             `json:"verified"`
	End      int64             `json:"end"`
	Strikes  int               `json:"strikes"`
	Bit      bool              `json:"bit"`
	Healed   bool              `json:"healed"`
	Why      string            `json:"why,omitempty"`
	Liveness map[string]Result `json:"liveness"` // by lane: against Waybill's declared limits
	LiveWhy  map[string]string `json:"liveWhy,omitempty"`
}

// Finding is one anomaly of one lane, with the messages it concerns.
type Finding struct {
	ID      int      `json:"id"`
	Lane    string   `json:"lane"`
	Anomaly string   `json:"anomaly"` // as design names it: "lost: vanished", "duplicate in store"
	Stage   Stage    `json:"stage"`
	Episode int      `json:"episode"` // the first at whose checkpoint it is visible
	Count   int64    `json:"count"`
	Tokens  []string `json:"tokens"` // the first twenty, as they are found with grep
	Detail  string   `json:"detail,omitempty"`
	Breaks  bool     `json:"breaks"`           // whether it contradicts the mode's promise; else it is counted only
	Jepsen  string   `json:"jepsen,omitempty"` // what jepsen.tests.kafka calls it, where it has a name for it
}

// Assumption is what a verdict rests on besides the history: held or not, and why not.
type Assumption struct {
	Name string `json:"name"`
	Held bool   `json:"held"`
	Why  string `json:"why,omitempty"`
}
