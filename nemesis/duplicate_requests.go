package nemesis

import (
	"math/rand/v2"

	"waybill/harness/semantics"
	"waybill/nemesis/frames"
)

func init() {
	Register(Fault{
		Name:    "duplicate-requests",
		Summary: "send single publishes twice, where the broker promises to store them once",
		Plan:    "every producer of a mode with deduplication: {share} of its publishes are sent twice, and the second answer is kept from it",
		Params:  ofFrames("0.05"),
		Frames:  true,
		Length:  outlastsClients,
		Here:    understood,
		Spares:  sparesUndeduplicated,
		New: func(rng *rand.Rand, v View, args Args) (Action, error) {
			r, err := args.rule(frames.Publish, frames.Repeat)
			if err != nil {
				return nil, err
			}
			return &filtering{v: v, prey: choose(rng, v, sparesUndeduplicated, producersOf, r), trigger: &inFlight{v: v}, what: "publishes sent twice"}, nil
		},
	})
}

// sparesUndeduplicated is true of modes that promise nothing about a second copy: networks do not make any, only clients do.
func sparesUndeduplicated(m semantics.Mode, _ semantics.Stage) string {
	if !m.Traits.DedupStore && !m.Traits.Session {
		return "its store does not deduplicate"
	}
	return ""
}
