package history

import (
	"fmt"
	"strings"
)

// lastKind is the highest kind that this reader knows.
const lastKind = Kind(len(kindNames) - 1)

var kindNames = [...]string{
	PhaseBegin:      "phase-begin",
	PhaseEnd:        "phase-end",
	EpisodeBegin:    "episode-begin",
	EpisodeEnd:      "episode-end",
	CheckpointBegin: "checkpoint-begin",
	CheckpointEnd:   "checkpoint-end",
	Seal:            "seal",
	Starved:         "starved",
	ClockCheck:      "clock-check",
	Abort:           "abort",
	LifeStart:       "life-start",
	LifeEnd:         "life-end",
	ConnOpen:        "conn-open",
	ConnLost:        "conn-lost",
	SessionOpen:     "session-open",
	SessionClose:    "session-close",
	SessionFenced:   "session-fenced",
	Send:            "send",
	Outcome:         "outcome",
	GiveUp:          "give-up",
	TxnBegin:        "txn-begin",
	TxnMember:       "txn-member",
	TxnEnd:          "txn-end",
	TxnOutcome:      "txn-outcome",
	Subscribe:       "subscribe",
	Assign:          "assign",
	Revoke:          "revoke",
	Lost:            "lost",
	Cancelled:       "cancelled",
	Seek:            "seek",
	Reset:           "reset",
	Receive:         "receive",
	Delivery:        "delivery",
	AckCalled:       "ack-called",
	AckOutcome:      "ack-outcome",
	ApplyBegin:      "apply-begin",
	ApplyEnd:        "apply-end",
	Readback:        "readback",
	ReadbackEnd:     "readback-end",
	ScanBegin:       "scan-begin",
	Copy:            "copy",
	CommitMarker:    "commit-marker",
	AbortMarker:     "abort-marker",
	ScanEnd:         "scan-end",
	Depth:           "depth",
	DeadLetter:      "dead-letter",
	Policy:          "policy",
	Leader:          "leader",
	InSync:          "in-sync",
	BrokerConfig:    "broker-config",
	FaultPlan:       "fault-plan",
	FaultInject:     "fault-inject",
	FaultInjected:   "fault-injected",
	FaultObserved:   "fault-observed",
	FaultHit:        "fault-hit",
	FaultRecover:    "fault-recover",
	FaultVerified:   "fault-verified",
	FaultRefused:    "fault-refused",
	FaultVictim:     "fault-victim",
	ServiceHealed:   "service-healed",
	DiskForgot:      "disk-forgot",
}

var statusNames = [...]string{
	NoStatus:      "",
	OK:            "ok",
	Failed:        "failed",
	Acked:         "acked",
	Rejected:      "rejected",
	Unknown:       "unknown",
	Confirmed:     "confirmed",
	Unconfirmable: "unconfirmable",
	DedupHit:      "dedup-hit",
	Aborted:       "aborted",
	Fenced:        "fenced",
}

var reasonNames = [...]string{
	NoReason:         "",
	Timeout:          "timeout",
	ConnectionClosed: "connection-closed",
	NotConnected:     "not-connected",
	NoResponders:     "no-responders",
	BrokerError:      "broker-error",
	InvalidMessage:   "invalid-message",
	NoConfirmation:   "no-confirmation",
	Planned:          "planned",
	KilledByFault:    "killed-by-fault",
	Crashed:          "crashed",
	Interrupted:      "interrupted",
	DiskFull:         "disk-full",
	LimitReached:     "limit-reached",
	Withheld:         "withheld",
}

var originNames = [...]string{
	NoOrigin:    "",
	FromBroker:  "broker",
	FromClient:  "client",
	FromTimeout: "timeout",
	FromClose:   "close",
}

// flagNames is in the order of the bits.
var flagNames = [...]string{
	"duplicate", "returned", "cumulative", "redelivered", "corrupt", "foreign",
	"invisible", "nack", "reject", "commit", "doubt", "sentinel", "resent",
}

// String is the kind's name in lower case with hyphens, the same in every view of a history.
func (k Kind) String() string { return name("kind", kindNames[:], uint(k)) }

// String is the status's name, empty for NoStatus.
func (s Status) String() string { return name("status", statusNames[:], uint(s)) }

// String is the reason's name, empty for NoReason.
func (r Reason) String() string { return name("reason", reasonNames[:], uint(r)) }

// String names who said so, empty for NoOrigin.
func (o Origin) String() string { return name("origin", originNames[:], uint(o)) }

// String joins the names of the flags with "|"; it is empty when none is set.
func (f Flags) String() string {
	var names []string
	for bit := range 16 {
		if f&(1<<bit) != 0 {
			names = append(names, name("flag", flagNames[:], uint(bit)))
		}
	}
	return strings.Join(names, "|")
}

func name(what string, names []string, i uint) string {
	if i < uint(len(names)) && (names[i] != "" || i == 0 && what != "kind") {
		return names[i]
	}
	return fmt.Sprintf("%s-%d", what, i)
}

// IsInvocation says whether events of the kind are recorded before the act, with a lower bound for its time.
// All other kinds are completions, recorded after what they tell, with an upper bound.
func (k Kind) IsInvocation() bool {
	switch k {
	case PhaseBegin, EpisodeBegin, CheckpointBegin,
		Send, TxnBegin, TxnEnd,
		Receive, AckCalled, ApplyBegin, ScanBegin,
		FaultInject, FaultRecover:
		return true
	}
	return false
}

// roundUp is what to add to nanoseconds before dividing them into ticks, by kind.
var roundUp = func() (up [256]int64) {
	for k := range up {
		if !Kind(k).IsInvocation() {
			up[k] = nanosPerTick - 1
		}
	}
	return up
}()
