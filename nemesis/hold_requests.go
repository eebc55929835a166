package nemesis

import (
	"math/rand/v2"
	"time"

	"waybill/nemesis/frames"
)

func init() {
	Register(Fault{
		Name:    "hold-requests",
		Summary: "let single requests arrive after their senders have given them up: publishes, and the ends of transactions",
		Plan:    "every producer: {share} of its publishes, and every processor: ten times that of the ends of its transactions; its connection is cut, and they arrive past its timeout",
		Params:  ofFrames("0.02"),
		Frames:  true,
		Length:  func(t Timing, args Args) time.Duration { return outlastsClients(t, args) + late },
		Here:    understood,
		Spares:  sparesNothing,
		New: func(rng *rand.Rand, v View, args Args) (Action, error) {
			publish, err := args.rule(frames.Publish, frames.Hold)
			if err != nil {
				return nil, err
			}
			publish.For = v.Timing.Confirm + late
			end := publish
			end.Kind = frames.End
			end.Share = min(1, 10*end.Share) // there are far fewer of them
			publishes := choose(rng, v, sparesNothing, producersOf, publish)
			ends := choose(rng, v, sparesUntransacted, consumersOf, end)
			return &filtering{v: v, prey: append(publishes, ends...), trigger: &inFlight{v: v}, what: "requests held back"}, nil
		},
	})
}
