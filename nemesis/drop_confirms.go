package nemesis

import (
	"math/rand/v2"

	"waybill/harness/semantics"
	"waybill/nemesis/frames"
)

func init() {
	Register(Fault{
		Name:    "drop-confirms",
		Summary: "lose single publish confirmations: what was published is stored, and its producer never hears of it",
		Plan:    "every producer that is confirmed: {share} of its confirmations, each with its connection where the protocol counts them",
		Params:  ofFrames("0.05"),
		Frames:  true,
		Length:  outlastsClients,
		Here:    understood,
		Spares:  sparesUnconfirmed,
		New: func(rng *rand.Rand, v View, args Args) (Action, error) {
			r, err := args.rule(frames.Confirm, frames.Drop)
			if err != nil {
				return nil, err
			}
			return &filtering{v: v, prey: choose(rng, v, sparesUnconfirmed, producersOf, r), trigger: &inFlight{v: v}, what: "confirmations lost"}, nil
		},
	})
}

// sparesUnconfirmed is true of modes whose producers are told nothing.
func sparesUnconfirmed(m semantics.Mode, _ semantics.Stage) string {
	if !m.Traits.Confirms {
		return "its publishes are not confirmed"
	}
	return ""
}
