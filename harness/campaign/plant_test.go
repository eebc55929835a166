package campaign

import (
	"slices"
	"strings"
	"testing"
	"time"

	"waybill/harness/experiment"
	"waybill/targets"
)

// faulty is a target with two bugs, each with a fault and a mode of its own.
type faulty struct{ targets.Target }

func (faulty) Describe(string) targets.Description { return targets.Description{Name: "faulty"} }

func (faulty) Plants() []targets.Plant {
	return []targets.Plant{
		{Name: "lose", Summary: "loses", Modes: []string{"plain"}, Fault: "kill-all"},
		{Name: "tear", Summary: "tears", Modes: []string{"atomic", "plain"}, Fault: "kill-consumer"},
	}
}

func init() { targets.Register(faulty{}) }

func planting(change func(*experiment.Spec)) experiment.Spec {
	s := experiment.DefaultSpec()
	s.Target = "faulty"
	change(&s)
	return s
}

func TestARunIsMadeLongEnoughForWhatIsPlanted(t *testing.T) {
	for _, c := range []struct {
		claim      string
		spec       experiment.Spec
		modes      string
		faults     string
		rate       float64
		processing time.Duration
		calm       time.Duration
	}{
		{"a frequent bug", planting(func(s *experiment.Spec) { s.Plant = map[string]float64{"lose": 0.1} }), "plain", "kill-all", 200, 2 * time.Millisecond, 10 * time.Second},
		{"a rare one is sent more", planting(func(s *experiment.Spec) { s.Plant = map[string]float64{"lose": 1e-4} }), "plain", "kill-all", 5000, 0, 20 * time.Second},
		{"the rarest is sent for longer", planting(func(s *experiment.Spec) { s.Plant = map[string]float64{"lose": 1e-6} }), "plain", "kill-all", fastest, 0, 500 * time.Second},
		{"the rarer of two decides", planting(func(s *experiment.Spec) { s.Plant = map[string]float64{"lose": 0.5, "tear": 1e-4} }), "plain,atomic", "kill-all,kill-consumer", 5000, 0, 20 * time.Second},
		{"a time that was given holds", planting(func(s *experiment.Spec) { s.Plant, s.Time = map[string]float64{"lose": 1e-4}, time.Minute }), "plain", "kill-all", 200, 2 * time.Millisecond, time.Minute},
		{"a rate that was given holds", planting(func(s *experiment.Spec) { s.Plant, s.Load.Rate = map[string]float64{"lose": 1e-3}, 1000 }), "plain", "kill-all", 1000, 0, 10 * time.Second},
		{"modes and faults that were given hold", planting(func(s *experiment.Spec) {
			s.Plant, s.Modes, s.Faults = map[string]float64{"lose": 0.1}, []string{"atomic"}, []string{"kill-broker"}
		}), "atomic", "kill-broker", 200, 2 * time.Millisecond, 10 * time.Second},
	} {
		got, lines := Plant(c.spec)
		if m, f := strings.Join(got.Modes, ","), strings.Join(got.Faults, ","); m != c.modes || f != c.faults {
			t.Errorf("%s: modes %s, faults %s, want %s and %s", c.claim, m, f, c.modes, c.faults)
		}
		if got.Load.Rate != c.rate || got.Load.Processing != c.processing || calm(got) != c.calm {
			t.Errorf("%s: %v a second, %v each, for %v; want %v, %v and %v", c.claim, got.Load.Rate, got.Load.Processing, calm(got), c.rate, c.processing, c.calm)
		}
		least := 1.0
		for _, r := range c.spec.Plant {
			least = min(least, r)
		}
		if harmed := got.Load.Rate * calm(got).Seconds() * least; harmed < 3 && c.spec.Time == 0 {
			t.Errorf("%s: %.1f messages are expected to be harmed, want at least 3", c.claim, harmed)
		}
		if len(lines) == 0 || !strings.Contains(strings.Join(lines, "\n"), "planted lose: loses, in one message of ") {
			t.Errorf("%s: it says %q", c.claim, lines)
		}
	}
}

func TestWithoutAPlantNothingIsChosen(t *testing.T) {
	s := experiment.DefaultSpec()
	if got, lines := Plant(s); len(lines) > 0 || len(got.Modes) > 0 || len(got.Faults) > 0 || got.Load != s.Load {
		t.Errorf("%+v, %q", got, lines)
	}
}

func TestTheFirstStrikeWaitsForWhatIsPlanted(t *testing.T) {
	two := experiment.Schedule{Episodes: []experiment.Episode{{Calm: time.Second}, {Calm: time.Second}}}
	lengthen(&two, planting(func(s *experiment.Spec) { s.Plant, s.Load.Rate = map[string]float64{"lose": 1e-3}, 1000 }))
	if got := []time.Duration{two.Episodes[0].Calm, two.Episodes[1].Calm}; !slices.Equal(got, []time.Duration{10 * time.Second, time.Second}) {
		t.Errorf("calm for %v, want ten seconds before the first strike alone", got)
	}
}
