package nemesis

import (
	"math/rand/v2"
	"time"
)

func init() {
	Register(Fault{
		Name:    "pause-consumer",
		Summary: "SIGSTOP one member of each consumer group beyond the ack wait: it wakes as a zombie and acknowledges late",
		Plan:    "one consumer of each lane, each while it holds one delivery applied and not acknowledged, and at least 4 not yet applied",
		Tour:    true,
		Length:  func(t Timing, _ Args) time.Duration { return 2*t.Redelivery + time.Second },
		Spares:  sparesStore,
		New: func(rng *rand.Rand, v View, _ Args) (Action, error) {
			t := &holding{onePerLane(rng, v)}
			return &pause{v: v, hosts: t.hosts(), trigger: t}, nil
		},
	})
}
