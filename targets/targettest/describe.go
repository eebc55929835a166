package targettest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"waybill/harness/semantics"
	"waybill/targets"
)

func (e *environment) described(t *testing.T) {
	d := e.description
	if d.Name == "" || d.Title == "" || d.Version == "" || len(d.Profiles) == 0 || len(d.Modes) == 0 || len(d.Settings) == 0 {
		t.Fatalf("a part of the description is missing: %+v", d)
	}
	if d.Timing.Detection <= 0 || d.Timing.Redelivery <= 0 || d.Timing.Election <= 0 {
		t.Errorf("timing: %+v, want detection, redelivery and election", d.Timing)
	}
	var profiles []string
	for _, p := range d.Profiles {
		profiles = append(profiles, p.Name)
		if p.Name == "" || p.Summary == "" {
			t.Errorf("profile %+v lacks its name or summary", p)
		}
		if !slices.ContainsFunc(d.Modes, func(m semantics.Mode) bool { return m.Profile == p.Name }) {
			t.Errorf("profile %q has no mode", p.Name)
		}
	}
	seen := map[[2]string]bool{}
	for _, m := range d.Modes {
		if seen[[2]string{m.Profile, m.Name}] {
			t.Errorf("mode %q is listed twice in profile %q", m.Name, m.Profile)
		}
		seen[[2]string{m.Profile, m.Name}] = true
		e.describedMode(t, m, profiles)
	}
}

func (e *environment) describedMode(t *testing.T, m semantics.Mode, profiles []string) {
	if m.Summary == "" || !slices.Contains(profiles, m.Profile) || len(m.Promises) == 0 {
		t.Errorf("mode %q lacks its summary, promises or one of the profiles %q: it has %q", m.Name, profiles, m.Profile)
	}
	for _, p := range m.Promises {
		if p.Source.Quote == "" || p.Source.URL == "" || p.Source.Version == "" {
			t.Errorf("mode %q: the promise for %v does not say who made it", m.Name, p.Stage)
		}
		if p.Guarantee == semantics.ExactlyOnce && p.Scope == "" {
			t.Errorf("mode %q: exactly once %v, but within what scope?", m.Name, p.Stage)
		}
	}
	if stored := m.Promise(semantics.Stored).Guarantee; stored != semantics.None && !m.Traits.Scannable {
		t.Errorf("mode %q promises stored %v and cannot be scanned", m.Name, stored)
	}
	tr := m.Traits
	for claim, wrong := range map[string]bool{
		"acknowledges first, and never":                            tr.AcksFirst && !tr.Acks,
		"confirms acknowledgements that it does not have":          tr.ConfirmsAcks && !tr.Acks,
		"applies only what was confirmed, and nothing ever is":     tr.AcksFirst && !tr.ConfirmsAcks,
		"retries within a session until it knows, and never knows": tr.Session && !tr.Confirms,
		"deduplicates effects that are outputs":                    tr.DedupEffect && tr.Transactional,
	} {
		if wrong {
			t.Errorf("mode %q %s: %+v", m.Name, claim, tr)
		}
	}
}

func (e *environment) reports(t *testing.T) {
	ctx := within(t, 30*time.Second)
	if r, ok := e.cluster.(targets.ConfigReporter); ok {
		for _, n := range append(slices.Clone(e.brokers), e.description.Profiles[0].Extra...) {
			if text, err := r.Config(ctx, n); err != nil || text == "" {
				t.Errorf("configuration of %s: %q, %v", n, text, err)
			}
		}
	}
	r, ok := e.cluster.(targets.PolicyReader)
	if !ok {
		return
	}
	for _, m := range e.description.Modes {
		if !m.Traits.CanDrain() {
			continue
		}
		q := e.queue(t, m)
		ps, err := r.Policies(ctx, q.Name)
		if err != nil || len(ps) == 0 {
			t.Errorf("policies of %s: %v, %v", q.Name, ps, err)
		}
	}
}

// leadersMove moves every kind of leader once around.
func (e *environment) leadersMove(t *testing.T) {
	if len(e.description.Leaders) == 0 {
		return
	}
	f, ok := e.cluster.(targets.LeaderFinder)
	if !ok {
		t.Fatalf("leaders %q are described, and nobody finds them", e.description.Leaders)
	}
	i := slices.IndexFunc(e.description.Modes, func(m semantics.Mode) bool { return m.Traits.Leader })
	if i < 0 {
		t.Fatal("leaders are described, and no mode has one")
	}
	q := e.queue(t, e.description.Modes[i]) // leadership does not depend on the mode
	for _, of := range e.description.Leaders {
		t.Run(of, func(t *testing.T) { e.goesAround(t, f, q.Name, of) })
	}
}

func (e *environment) goesAround(t *testing.T, f targets.LeaderFinder, queue, of string) {
	ctx := within(t, 90*time.Second)
	before := map[uint32]uint64{}
	for _, n := range e.brokers {
		err := f.MoveLeader(ctx, queue, of, n)
		if of == targets.OfController && errors.Is(err, targets.ErrNotMovable) {
			if now, err := f.Leaders(ctx, queue, of); err != nil || len(now) != 1 || now[0].Node == "" {
				t.Errorf("the cluster is led by %v, %v: want one host", now, err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.Leaders(ctx, queue, of)
		if err != nil || len(got) == 0 {
			t.Fatalf("moved to %s and led by %v, %v", n, got, err)
		}
		for _, lead := range got {
			if lead.Node != n {
				t.Fatalf("partition %d was moved to %s and is led by %s", lead.Partition, n, lead.Node)
			}
			if lead.Epoch < before[lead.Partition] {
				t.Errorf("the epoch of partition %d went from %d back to %d", lead.Partition, before[lead.Partition], lead.Epoch)
			}
			before[lead.Partition] = lead.Epoch
		}
	}
}
