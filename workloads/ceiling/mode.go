package ceiling

import (
	"time"

	"waybill/harness/experiment"
	"waybill/harness/semantics"
)

// Name is the broker's, its profile's and its only mode's.
const Name = "null"

// mode is what a queue in memory that is never at fault can promise.
func mode() semantics.Mode {
	source := semantics.Source{Quote: "each message is delivered once, in order", Version: "0"}
	return semantics.Mode{
		Name: Name, Profile: Name, Summary: "a queue in the memory of the harness's own process",
		Promises: []semantics.Promise{
			{Stage: semantics.Delivered, Guarantee: semantics.ExactlyOnce, Source: source},
			{Stage: semantics.Applied, Guarantee: semantics.ExactlyOnce, Source: source},
		},
		Traits: semantics.Traits{Confirms: true, Acks: true, ConfirmsAcks: true, Drainable: true},
	}
}

// resolved fills in what a Config leaves open.
func (c Config) resolved() Config {
	set := func(v *int, otherwise int) {
		if *v == 0 {
			*v = otherwise
		}
	}
	set(&c.Window, DefaultWindow)
	set(&c.Batch, DefaultBatch)
	set(&c.Size, DefaultSize)
	if c.Bin == 0 {
		c.Bin = DefaultBin
	}
	return c
}

// keys is how many keys messages are spread over.
const keys = 16

// experiment is the run as experiment.yaml says it.
func (c Config) experiment() experiment.Experiment {
	limit := 30 * time.Second
	return experiment.Experiment{
		Run: c.Run, Target: Name, Profile: Name, Seed: c.Seed, Nodes: 1,
		Lanes: []experiment.Lane{{Name: Name, Queue: Name, Mode: mode(), Producers: 1, Consumers: 1}},
		Load: experiment.Load{Rate: c.Rate, Burst: 1, Size: c.Size, Keys: keys, Batch: c.Batch, Confirm: limit,
			Window: c.Window, Flood: c.Rate == 0, Record: c.Record},
		Limits: experiment.Limits{Start: limit, Heal: limit, Settle: limit, Quiesce: limit, Drain: limit},
	}
}
