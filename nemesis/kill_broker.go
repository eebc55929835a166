package nemesis

import (
	"math/rand/v2"
	"time"
)

func init() {
	Register(Fault{
		Name:    "kill-broker",
		Summary: "SIGKILL one broker, whatever it leads",
		Plan:    "one broker, while every confirming lane has an unconfirmed publish",
		Length:  outlastsDetection,
		Here:    ownBrokers,
		Spares:  sparesNothing,
		New: func(rng *rand.Rand, v View, _ Args) (Action, error) {
			return &kill{v: v, hosts: []string{oneOf(rng, v.Brokers)}, trigger: &inFlight{v: v}}, nil
		},
	})
	Register(Fault{
		Name:    "kill-all",
		Summary: "SIGKILL all brokers at one instant and start them again together",
		Plan:    "all brokers, while every confirming lane has an unconfirmed publish",
		Tour:    true,
		Length:  func(Timing, Args) time.Duration { return 2 * time.Second },
		Here:    ownBrokers,
		Spares:  sparesNothing,
		New: func(_ *rand.Rand, v View, _ Args) (Action, error) {
			return &kill{v: v, hosts: v.Brokers, trigger: &inFlight{v: v}}, nil
		},
	})
}

// outlastsDetection is how long a node must be away for its peers to act on it: to elect another leader, and twice as long as they need
// to notice. A cut that is shorter is a stalled connection, and no partition.
func outlastsDetection(t Timing, _ Args) time.Duration {
	return max(t.Election+2*time.Second, 2*t.Detection)
}

func oneOf(rng *rand.Rand, hosts []string) string { return hosts[rng.IntN(len(hosts))] }
