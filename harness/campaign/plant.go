package campaign

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"waybill/harness/experiment"
	"waybill/targets"
)

// A run with a planted bug is made long enough that it is seen: expected messages are harmed before the first strike, on average, so that
// the chance that there are none is exp(-expected), one in twenty thousand.
const (
	expected = 10
	least    = 10 * time.Second // of load before the first strike: some bugs need seconds between two messages
	quick    = 20 * time.Second // of it, if the rate that this asks for can be had
	fastest  = 20000            // messages a second and lane, which two cores carry for brokers, clients and recorder
)

// plants are the bugs of a target, none of a product.
func plants(target string) []targets.Plant {
	t, ok := targets.Find(target)
	if !ok {
		return nil
	}
	if p, ok := t.(targets.Planter); ok {
		return p.Plants()
	}
	return nil
}

// Plant fills in what a spec with planted bugs leaves open: the modes in which they show, the faults that they need, and a load that
// harms enough messages. The lines say what was chosen, and why. Other specs are returned as they are.
func Plant(s experiment.Spec) (experiment.Spec, []string) {
	if len(s.Plant) == 0 {
		return s, nil
	}
	var lines []string
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	var modes, faults []string
	for _, p := range plants(s.Target) {
		rate, ok := s.Plant[p.Name]
		if !ok {
			continue
		}
		say("planted %s: %s, in one message of %.0f", p.Name, p.Summary, 1/rate)
		modes = append(modes, p.Modes...)
		faults = append(faults, p.Fault)
	}
	if len(faults) == 0 {
		return s, nil // unknown ones: resolving names those that there are
	}
	if len(s.Modes) == 0 {
		s.Modes = distinct(modes)
		say("modes %s: where it shows", strings.Join(s.Modes, ", "))
	}
	if len(s.Faults) == 0 {
		s.Faults = distinct(faults)
		say("faults %s: what it needs, or the cheapest where it needs none", strings.Join(s.Faults, ", "))
	}
	usual := experiment.DefaultSpec().Load
	if s.Load.Rate == usual.Rate && s.Time == 0 {
		s.Load.Rate = math.Round(min(fastest, max(usual.Rate, float64(messages(s.Plant))/quick.Seconds())))
	}
	if s.Load.Processing == usual.Processing && s.Load.Rate > usual.Rate {
		s.Load.Processing = 0
	}
	calm := calm(s)
	n := s.Load.Rate * calm.Seconds()
	say("%.0f messages a second for %v before the first strike: %.0f messages a lane, of which %s", s.Load.Rate, calm.Round(time.Second), n, shares(s.Plant, n))
	return s, lines
}

// messages is how many a lane must send for the rarest bug to harm as many as are expected.
func messages(plants map[string]float64) int64 {
	rarest := 1.0
	for _, rate := range plants {
		rarest = min(rarest, rate)
	}
	return int64(math.Ceil(expected / rarest))
}

// calm is the load before the first strike: what a person gave, or what the bugs need.
func calm(s experiment.Spec) time.Duration {
	if s.Time > 0 {
		return s.Time
	}
	return max(least, time.Duration(float64(messages(s.Plant))/s.Load.Rate*float64(time.Second)).Round(time.Second))
}

// lengthen gives a run with planted bugs its time.
func lengthen(s *experiment.Schedule, spec experiment.Spec) {
	if len(spec.Plant) > 0 && len(s.Episodes) > 0 {
		s.Episodes[0].Calm = calm(spec)
	}
}

func shares(plants map[string]float64, n float64) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(plants)) {
		out = append(out, fmt.Sprintf("%s harms about %.0f", name, plants[name]*n))
	}
	return strings.Join(out, ", ")
}

func distinct(list []string) (out []string) {
	for _, x := range list {
		if !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}
