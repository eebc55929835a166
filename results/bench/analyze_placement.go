package bench

import (
	"fmt"
	"slices"
	"strings"

	"waybill/harness/semantics"
)

// crashes are what a placement is asked about, each with the faults of tests that stand for it, and the stage at which a message survives it:
// a client's crash may undo what it applied, a broker's what it stored.
var crashes = []struct {
	what   string
	faults []string
	stage  semantics.Stage
}{
	{"client crash", []string{"kill-producer", "kill-consumer"}, semantics.Applied},
	{"broker crash", []string{"kill-all"}, semantics.Stored},
	{"power failure of one", []string{"power-failure:of=one"}, semantics.Stored},
	{"power failure of all", []string{"power-failure:of=all"}, semantics.Stored},
}

// placement reads from a mode's promises what an acknowledged message survives.
func placement(m semantics.Mode) Placement {
	p := Placement{Guarantee: guarantee(m), Sync: m.Traits.Sync}
	for _, c := range crashes {
		promise := m.Promise(c.stage)
		if promise.Guarantee == semantics.None {
			promise = m.Promise(semantics.Applied)
		}
		does := promise.Guarantee.ForbidsLoss() && !slices.ContainsFunc(c.faults, func(f string) bool { return !promise.Covers(f) })
		p.Survives = append(p.Survives, Survive{What: c.what, Does: does})
	}
	return p
}

// guarantee names what is promised of being stored and applied, end to end: "stored exactly once, applied at least once".
func guarantee(m semantics.Mode) string {
	stored, applied := m.Promise(semantics.Stored).Guarantee, m.Promise(semantics.Applied).Guarantee
	if stored == applied && stored != semantics.None {
		return fmt.Sprintf("stored and applied %s", applied)
	}
	var parts []string
	for _, p := range []semantics.Promise{m.Promise(semantics.Stored), m.Promise(semantics.Applied)} {
		if p.Guarantee != semantics.None {
			parts = append(parts, fmt.Sprintf("%s %s", p.Stage, p.Guarantee))
		}
	}
	if len(parts) == 0 {
		return "nothing promised"
	}
	return strings.Join(parts, ", ")
}

// same reports whether two placements promise the same.
func (p Placement) same(other Placement) bool {
	return p.Guarantee == other.Guarantee && slices.Equal(p.Survives, other.Survives)
}
