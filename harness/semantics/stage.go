// Package semantics holds the words of a verdict: the four stages of a message, what may be promised
// at each of them, and what an audit says about a promise under a fault.
//
// It contains no logic that reads a history and knows no broker: checkers fill these values in, results draws them.
package semantics

import "fmt"

// Stage is how far a message has come: sent, stored, delivered, applied.
type Stage uint8

const (
	Sent Stage = iota + 1
	Stored
	Delivered
	Applied
)

// Guarantee is what may be promised about a stage, end to end from sent.
type Guarantee uint8

const (
	None        Guarantee = iota
	AtMostOnce            // forbids duplicates, permits loss
	AtLeastOnce           // forbids loss of acknowledged messages, permits duplicates
	ExactlyOnce           // forbids both
)

// ForbidsLoss reports whether an acknowledged message must arrive.
func (g Guarantee) ForbidsLoss() bool { return g == AtLeastOnce || g == ExactlyOnce }

// ForbidsDuplicates reports whether a message may arrive once only.
func (g Guarantee) ForbidsDuplicates() bool { return g == AtMostOnce || g == ExactlyOnce }

var stageNames = []string{"", "sent", "stored", "delivered", "applied"}
var guaranteeNames = []string{"none", "at most once", "at least once", "exactly once"}

func (s Stage) String() string     { return name(stageNames, int(s), "stage") }
func (g Guarantee) String() string { return name(guaranteeNames, int(g), "guarantee") }

// MarshalText and UnmarshalText write and read the name, in YAML and JSON alike.
func (s Stage) MarshalText() ([]byte, error)     { return []byte(s.String()), nil }
func (s *Stage) UnmarshalText(b []byte) error    { return parse(stageNames, string(b), "stage", s) }
func (g Guarantee) MarshalText() ([]byte, error) { return []byte(g.String()), nil }
func (g *Guarantee) UnmarshalText(b []byte) error {
	return parse(guaranteeNames, string(b), "guarantee", g)
}

func name(names []string, i int, what string) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("%s(%d)", what, i)
}

func parse[T ~uint8](names []string, s, what string, into *T) error {
	for i, n := range names {
		if n == s && n != "" {
			*into = T(i)
			return nil
		}
	}
	return fmt.Errorf("semantics: %q is no %s: want one of %q", s, what, names)
}
