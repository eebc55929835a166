package benchtest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"waybill/results/bench"
)

// work is an arm with the model of what comes of it.
type work struct {
	bench.Arm
	model model
	rate  float64 // messages a second that go through
	held  bool    // the arm is audited
}

// shares are the offered loads of the latency arms.
var shares = []float64{0.3, 0.6, 0.9}

// works are all arms of a sample.
func works() []work {
	return append(arms("nats", natsModels()), arms("kafka", kafkaModels())...)
}

// arms are all arms of one target.
func arms(target string, models []model) (out []work) {
	add := func(m model, rate float64, a bench.Arm) {
		a.Target, a.Profile, a.Mode = target, m.Profile, m.Name
		a.Batch, a.Size, a.Producers, a.Consumers = 100, 1024, 2, 2
		if a.Window == 0 {
			a.Window = 1000
		}
		if m.Traits.Transactional && a.Commit == 0 {
			a.Commit = 4
		}
		a.Name = fmt.Sprintf("%s/%s%s", target, m.Name, a.Name)
		if a.Of != "" {
			a.Of = fmt.Sprintf("%s/%s%s", target, m.Name, a.Of[1:])
		}
		out = append(out, work{Arm: a, model: m, rate: rate, held: a.Kind == bench.Audited || a.Kind == bench.Again})
	}
	for i, m := range models {
		add(m, m.rate, bench.Arm{Phase: bench.PhaseSaturation, Kind: bench.Audited})
		for _, s := range shares {
			add(m, s*m.rate, bench.Arm{Name: fmt.Sprintf(" at %.0f%%", 100*s), Phase: bench.PhaseLatency, Kind: bench.Audited, Share: s})
		}
		switch i {
		case 1:
			add(m, m.rate, bench.Arm{Name: " again", Phase: bench.PhaseSaturation, Kind: bench.Again, Of: "="})
			for _, w := range []int{1, 16, 256, 4096} {
				// Half of what the largest window brings is reached with about a hundred messages on their way.
				rate := 1.1 * m.rate * float64(w) / (float64(w) + 100)
				add(m, rate, bench.Arm{Name: fmt.Sprintf(" window %d", w), Phase: bench.PhaseWindow, Kind: bench.Audited, Window: w})
			}
		case 3:
			if m.Traits.Transactional {
				for _, c := range []int{1, 4, 16} {
					add(m, 1.2*m.rate*float64(c)/(float64(c)+1), bench.Arm{Name: fmt.Sprintf(" commit %d", c), Phase: bench.PhaseWindow, Kind: bench.Audited, Commit: c})
				}
			}
		}
		if i <= 1 {
			cost := func(name string, k bench.Kind, rate float64) {
				a := bench.Arm{Name: " publishing" + name, Phase: bench.PhaseCost, Kind: k, PublishOnly: true}
				if k != bench.Audited {
					a.Of = "= publishing"
				}
				add(m, rate, a)
			}
			slow := []float64{0.90, 0.985}[i]
			cost("", bench.Audited, 1.4*slow*m.rate)
			cost(" unaudited", bench.Unaudited, 1.4*m.rate)
			cost(" bare", bench.Bare, 1.4*m.rate*1.004)
			if i == 1 {
				cost(" by "+map[string]string{"nats": "nats bench", "kafka": "kafka-producer-perf-test"}[target], bench.Rival, m.rate*map[string]float64{"nats": 1.35, "kafka": 0.4}[target])
			}
		}
	}
	return out
}

// plan orders the arms of a benchmark.
func plan(o options, works []work, rng *rand.Rand) bench.Plan {
	p := bench.Plan{Schema: bench.Schema, Seed: o.seed, Blocks: o.blocks, Quick: o.blocks < 10, Measure: 5 * time.Second, Warm: 10 * time.Second, Targets: targets()}
	for _, w := range works {
		p.Arms = append(p.Arms, w.Arm)
	}
	for range p.Blocks {
		var order []string
		for _, i := range rng.Perm(len(works)) {
			order = append(order, works[i].Name)
		}
		p.Order = append(p.Order, order)
	}
	return p
}
