package story

import (
	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// Input is what stories rest on.
type Input struct {
	Source     history.Source // read once
	Experiment experiment.Experiment
	Verdict    semantics.Verdict
}

// Ask names a message to tell of.
type Ask struct {
	Msg      history.Msg
	Foreign  string // a token of another run, as it was found: instead of Msg
	Findings []int  // of the verdict, by id, that name it
}

// Story is one message's life.
type Story struct {
	Token    string `json:"token"` // without its checksum; of another run's, all of it
	Lane     string `json:"lane"`
	Mode     string `json:"mode"`
	Known    bool   `json:"known"` // any event concerns it
	Fine     bool   `json:"fine"`  // no finding names it
	Summary  string `json:"summary"`
	Findings []Told `json:"findings,omitempty"`
	Lines    []Line `json:"lines"`
	LeftOut  string `json:"leftOut,omitempty"`
}

// Told is a finding as it concerns one message.
type Told struct {
	ID         int                 `json:"id"`
	Anomaly    string              `json:"anomaly"`
	Breaks     bool                `json:"breaks"`
	Episode    int                 `json:"episode"`
	Fault      string              `json:"fault,omitempty"`
	Detail     string              `json:"detail,omitempty"`
	Definition string              `json:"definition"`
	Because    string              `json:"because"` // in one or two sentences, from the lines marked Proof
	Promises   []semantics.Promise `json:"promises,omitempty"`
}

// Line is one observation, or an interval from an invocation to its completion. Times are in microseconds.
type Line struct {
	At     int64  `json:"at"`                    // since the run's first event
	Until  int64  `json:"until,omitempty"`       // 0: an instant
	Open   bool   `json:"open,omitempty"`        // it began and no end was recorded
	Strike *int64 `json:"sinceStrike,omitempty"` // since the strike of its episode that it is nearest to; negative before it
	Act    Act    `json:"act"`
	Who    string `json:"who,omitempty"`
	What   string `json:"what"`
	Proof  []int  `json:"proof,omitempty"` // ids of the findings that it helps to prove
}

// Act says what a line is about.
type Act string

// The message itself, by stage; the absence of what should be there; and what stood around it.
const (
	Sent        Act = "sent"
	Stored      Act = "stored"
	Absent      Act = "absent"
	Displaced   Act = "displaced" // another message, where this one was or belongs
	Delivered   Act = "delivered"
	Acked       Act = "acknowledged"
	Applied     Act = "applied"
	Transaction Act = "transaction"
	Effect      Act = "effect"
	NoEffect    Act = "no effect"
	Fault       Act = "fault"
	Leader      Act = "leader"
	Life        Act = "life"
	Connection  Act = "connection"
	Frame       Act = "frame"
	Assignment  Act = "assignment"
)

// own reports whether a line is about the message rather than what stood around it.
func (a Act) own() bool {
	switch a {
	case Fault, Leader, Life, Connection, Frame, Assignment:
		return false
	}
	return true
}
