package nemesis

import (
	"math/rand/v2"
	"time"

	"waybill/harness/semantics"
	"waybill/nemesis/frames"
)

func init() {
	Register(Fault{
		Name:    "delay-acks",
		Summary: "let single acknowledgements arrive after whoever waits for them has given up: confirmations of publishes, and consumers' acknowledgements",
		Plan:    "every client: {share} of the confirmations it gets past its timeout, and of the acknowledgements it gives past the return of the delivery",
		Params:  ofFrames("0.05"),
		Frames:  true,
		Length: func(t Timing, args Args) time.Duration {
			return max(outlastsClients(t, args), t.Confirm+t.Answer+time.Second) + late
		},
		Here:   understood,
		Spares: sparesSilent,
		New: func(rng *rand.Rand, v View, args Args) (Action, error) {
			confirm, err := args.rule(frames.Confirm, frames.Delay)
			if err != nil {
				return nil, err
			}
			ack := confirm
			ack.Kind = frames.Ack
			confirm.For, ack.For = v.Timing.Confirm+v.Timing.Answer+late, v.Timing.Redelivery+late
			confirms := choose(rng, v, sparesUnconfirmed, producersOf, confirm)
			acks := choose(rng, v, sparesUnacknowledged, consumersOf, ack)
			return &filtering{v: v, prey: append(confirms, acks...), trigger: &inFlight{v: v}, what: "acknowledgements delayed"}, nil
		},
	})
}

// late is by how much what is delayed or held misses the instant at which it is given up.
const late = 500 * time.Millisecond

// sparesSilent is true of modes in which nobody acknowledges anything.
func sparesSilent(m semantics.Mode, s semantics.Stage) string {
	if sparesUnconfirmed(m, s) == "" {
		return ""
	}
	return sparesUnacknowledged(m, s)
}
