package experiment

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ParsePlants reads what a person types: NAME=RATE, where the rate is the share of messages that the bug harms.
func ParsePlants(args []string) (map[string]float64, error) {
	out := map[string]float64{}
	for _, a := range args {
		name, text, _ := strings.Cut(a, "=")
		rate, err := strconv.ParseFloat(text, 64)
		if err != nil || name == "" {
			return nil, fmt.Errorf("experiment: plant %q: want NAME=RATE, as in lose-acked=1e-5", a)
		}
		if _, twice := out[name]; twice {
			return nil, fmt.Errorf("experiment: plant %s is given twice", name)
		}
		out[name] = rate
	}
	return out, nil
}

// leastRate is the smallest share of messages that a bug may harm: below it no run of minutes would see it.
const leastRate = 1e-6

// checkPlants refuses bugs for a product, which has its own, and bugs that there are not.
func checkPlants(plants map[string]float64, p Product) error {
	for _, name := range slices.Sorted(maps.Keys(plants)) {
		rate := plants[name]
		switch {
		case len(p.Plants) == 0:
			return fmt.Errorf("experiment: plant %s: target %s is a product, and nothing can be planted in it: want the target planted", name, p.Name)
		case !slices.Contains(p.Plants, name):
			return fmt.Errorf("experiment: no plant %q: want one of %s", name, strings.Join(p.Plants, ", "))
		case !(rate >= leastRate && rate <= 1):
			return fmt.Errorf("experiment: plant.%s is %v: want a share of messages from %v to 1", name, rate, leastRate)
		}
	}
	return nil
}

// planted notes bugs where a reader of the run sees them, and allows the drain a millisecond for each message that the rarest of them
// spares: a scan of all of them takes less.
func (e *Experiment) planted(plants map[string]float64) {
	if len(plants) == 0 {
		return
	}
	e.Plant = maps.Clone(plants)
	e.Settings = maps.Clone(e.Settings)
	if e.Settings == nil {
		e.Settings = map[string]string{}
	}
	least := 1.0
	for name, rate := range plants {
		e.Settings["planted "+name] = fmt.Sprintf("%v of messages", rate)
		least = min(least, rate)
	}
	e.Limits.Drain += time.Duration(float64(time.Millisecond) / least)
}
