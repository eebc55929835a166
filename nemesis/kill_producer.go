package nemesis

import (
	"math/rand/v2"
	"time"
)

func init() {
	Register(Fault{
		Name:    "kill-producer",
		Summary: "SIGKILL one producer of each lane while publishes of it are unconfirmed",
		Plan:    "one producer of each lane, while it has an unconfirmed publish",
		Length:  func(Timing, Args) time.Duration { return 2 * time.Second },
		Spares:  sparesNothing,
		New: func(rng *rand.Rand, v View, _ Args) (Action, error) {
			var hosts []string
			seen := v
			seen.Lanes = nil // the trigger looks at the victims alone
			for _, l := range v.Lanes {
				h := l.Producers[rng.IntN(len(l.Producers))]
				hosts = append(hosts, h)
				l.Producers = []string{h}
				seen.Lanes = append(seen.Lanes, l)
			}
			return &kill{v: v, hosts: hosts, trigger: &inFlight{v: seen}}, nil
		},
	})
}
