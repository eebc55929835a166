package nemesis

import (
	"math/rand/v2"
	"time"
)

func init() {
	Register(Fault{
		Name:    "cut-clients",
		Summary: "cut all producers and consumers off from all brokers, both ways",
		Plan:    "all clients from all brokers, both ways, while every confirming lane has an unconfirmed publish",
		Length:  outlastsClients,
		Here:    ownNetwork,
		Spares:  sparesNothing,
		New: func(_ *rand.Rand, v View, _ Args) (Action, error) {
			clients := append(v.producers(), v.consumers()...)
			return &cut{v: v, links: both(clients, v.Brokers), trigger: &inFlight{v: v}}, nil
		},
	})
	Register(Fault{
		Name:    "lose-confirms",
		Summary: "drop what brokers send to producers, one way, for longer than a producer waits: publishes arrive, confirmations do not",
		Plan:    "brokers to producers, one way, while every confirming lane has an unconfirmed publish",
		Tour:    true,
		Length:  outlastsClients,
		Here:    ownNetwork,
		Spares:  sparesNothing,
		New: func(_ *rand.Rand, v View, _ Args) (Action, error) {
			return &cut{v: v, links: []link{{v.Brokers, v.producers()}}, trigger: &inFlight{v: v}}, nil
		},
	})
	Register(Fault{
		Name:    "lose-acks",
		Summary: "drop what consumers send to brokers, one way, for longer than the ack wait: deliveries arrive, acknowledgements do not",
		Plan:    "consumers to brokers, one way, begun with one consumer of each lane while it waits for messages: what then comes to it is applied and cannot be acknowledged",
		Length:  outlastsClients,
		Here:    ownNetwork,
		Spares:  sparesStore,
		New: func(rng *rand.Rand, v View, _ Args) (Action, error) {
			return &cut{v: v, links: []link{{v.consumers(), v.Brokers}}, trigger: strand(onePerLane(rng, v))}, nil
		},
	})
}

// outlastsClients is longer than a client waits for an answer, and than a broker waits for an acknowledgement.
func outlastsClients(t Timing, _ Args) time.Duration {
	return 2*max(t.Confirm, t.Redelivery) + time.Second
}
