package semantics

import (
	"slices"
	"strings"
	"time"
)

// Promise is what a mode claims about one stage, and who says so.
type Promise struct {
	Stage        Stage     `yaml:"stage" json:"stage"`
	Guarantee    Guarantee `yaml:"guarantee" json:"guarantee"`
	Ordered      bool      `yaml:"ordered,omitempty" json:"ordered,omitempty"` // same key, same session, resolved before the next began
	Atomic       bool      `yaml:"atomic,omitempty" json:"atomic,omitempty"`
	Linearizable bool      `yaml:"linearizable,omitempty" json:"linearizable,omitempty"` // appends of all producers keep the order of real time
	Scope        string    `yaml:"scope,omitempty" json:"scope,omitempty"`               // dedup scope, in words: within what is "once" meant
	Faults       []string  `yaml:"faults,omitempty" json:"faults,omitempty"`             // under which it is made, by name with whatever parameters, or with those that it names alone; empty: all
	Except       []string  `yaml:"except,omitempty" json:"except,omitempty"`             // of those, the ones that it leaves out, by name or with parameters: see Covers
	Source       Source    `yaml:"source" json:"source"`
}

// Covers reports whether the promise is made under fault. An exception by name leaves the fault out whatever its parameters are; one with
// a parameter leaves it out unless the fault names another value, so that what it names must be the default: power-failure is left out by
// power-failure:of=all, and power-failure:of=one is not.
func (p Promise) Covers(fault string) bool {
	if slices.ContainsFunc(p.Except, func(x string) bool { return leavesOut(x, fault) }) {
		return false
	}
	name, _, _ := strings.Cut(fault, ":")
	return len(p.Faults) == 0 || slices.Contains(p.Faults, fault) || slices.Contains(p.Faults, name)
}

// leavesOut reports whether an exception is about a fault.
func leavesOut(exception, fault string) bool {
	name, except, _ := strings.Cut(exception, ":")
	other, chosen, _ := strings.Cut(fault, ":")
	if name != other {
		return false
	}
	for _, have := range strings.Split(chosen, ":") {
		key, value, _ := strings.Cut(have, "=")
		for _, want := range strings.Split(except, ":") {
			if k, v, _ := strings.Cut(want, "="); k == key && v != value {
				return false
			}
		}
	}
	return true
}

// Source is where a promise was made: the vendor's sentence, its address, and the version it speaks of.
type Source struct {
	Quote   string `yaml:"quote" json:"quote"`
	URL     string `yaml:"url" json:"url"`
	Version string `yaml:"version" json:"version"`
}

// Mode is a setting of broker profile, queue, producer and consumer, named as the field names it.
type Mode struct {
	Name     string    `yaml:"name" json:"name"`
	Profile  string    `yaml:"profile" json:"profile"`
	Summary  string    `yaml:"summary" json:"summary"`
	Promises []Promise `yaml:"promises" json:"promises"`
	Traits   Traits    `yaml:"traits" json:"traits"`
}

// Promise returns what the mode claims about a stage; the zero Promise (none) if nothing.
func (m Mode) Promise(s Stage) Promise {
	for _, p := range m.Promises {
		if p.Stage == s {
			return p
		}
	}
	return Promise{Stage: s}
}

// Traits are the facts about a mode that decide which faults can touch it and what can be observed.
type Traits struct {
	Confirms     bool `yaml:"confirms" json:"confirms"`                     // the broker confirms a publish
	Acks         bool `yaml:"acks" json:"acks"`                             // the consumer acknowledges
	ConfirmsAcks bool `yaml:"confirmsAcks" json:"confirmsAcks"`             // and the broker confirms that
	Scannable    bool `yaml:"scannable" json:"scannable"`                   // the store can be read without consuming
	Consumes     bool `yaml:"consumes,omitempty" json:"consumes,omitempty"` // an acknowledgement by the consumer removes the copy from the store
	Leader       bool `yaml:"leader" json:"leader"`                         // the queue has a leader
	DedupStore   bool `yaml:"dedupStore" json:"dedupStore"`                 // the broker refuses a copy it has, within the scope
	DedupEffect  bool `yaml:"dedupEffect" json:"dedupEffect"`               // the effect's ledger does

	Session       bool `yaml:"session,omitempty" json:"session,omitempty"`             // the producer's library retries, within a session that stores a message once; nobody else does
	Drainable     bool `yaml:"drainable,omitempty" json:"drainable,omitempty"`         // the broker proves that nothing is left to deliver, though the store cannot be read
	AcksFirst     bool `yaml:"acksFirst,omitempty" json:"acksFirst,omitempty"`         // the consumer acknowledges before it applies, and applies only what was confirmed
	Transactional bool `yaml:"transactional,omitempty" json:"transactional,omitempty"` // the effect is an output message, written in one transaction with the acknowledgement
	Exclusive     bool `yaml:"exclusive,omitempty" json:"exclusive,omitempty"`         // a partition belongs to one consumer at a time, which gets it in order; assign, revoke, seek and reset are recorded
	Astray        bool `yaml:"astray,omitempty" json:"astray,omitempty"`               // a share of the messages is meant not to arrive: to show what becomes of them, and not to be measured

	Sync    string        `yaml:"sync,omitempty" json:"sync,omitempty"`       // when the brokers make what they store outlive a loss of power, in words: one of the Synced constants, or an interval; "": not known
	AckWait time.Duration `yaml:"ackWait,omitempty" json:"ackWait,omitempty"` // the broker's least, between two deliveries of a copy that its holder does not acknowledge; 0: not known
}

// What Traits.Sync says, where it is no interval ("every 2m").
const (
	SyncedBefore  = "before confirming"
	SyncedNever   = "never (page cache)"
	SyncedNothing = "nothing is stored"
)

// CanDrain reports whether it can be proven that nothing is left to deliver, so that what is absent is lost.
func (t Traits) CanDrain() bool { return t.Scannable || t.Drainable }
