package nemesis

import (
	"math/rand/v2"
)

func init() {
	Register(Fault{
		Name:    "pause-broker",
		Summary: "SIGSTOP one broker for longer than its peers wait for it",
		Plan:    "one broker, while every confirming lane has an unconfirmed publish",
		Length:  outlastsDetection,
		Here:    ownBrokers,
		Spares:  sparesNothing,
		New: func(rng *rand.Rand, v View, _ Args) (Action, error) {
			return &pause{v: v, hosts: []string{oneOf(rng, v.Brokers)}, trigger: &inFlight{v: v}}, nil
		},
	})
}
