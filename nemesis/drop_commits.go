package nemesis

import (
	"math/rand/v2"
	"time"

	"waybill/harness/semantics"
	"waybill/nemesis/frames"
)

// How long the answers to the ends of transactions go on being lost.
const (
	untilAnswer = "answer" // single ones: the next try is answered
	untilGiveUp = "giveup" // all, until the client asks no more
)

func init() {
	Register(Fault{
		Name:    "drop-commits",
		Summary: "lose the answers to the ends of transactions: they are committed, or aborted, and their processors never hear of it",
		Plan:    "every processor of transactions: {share} of the answers to their ends, until {until}",
		Params: append(ofFrames("0.2"), Param{Name: "until", Values: []string{untilAnswer, untilGiveUp}, Tour: true,
			Meaning: "answer: single ones, and the next try is answered; giveup: every one, until the client asks no more"}),
		Frames: true,
		Length: func(t Timing, args Args) time.Duration {
			if args["until"] == untilGiveUp {
				return max(t.Transaction+2*time.Second, outlastsClients(t, args))
			}
			return outlastsClients(t, args)
		},
		Here:   understood,
		Spares: sparesUntransacted,
		New: func(rng *rand.Rand, v View, args Args) (Action, error) {
			r, err := args.rule(frames.Commit, frames.Drop)
			if err != nil {
				return nil, err
			}
			if args["until"] == untilGiveUp {
				r.Share, r.Count = 1, 0
			}
			prey := choose(rng, v, sparesUntransacted, consumersOf, r)
			return &filtering{v: v, prey: prey, trigger: holders(v, prey), what: "answers to ends of transactions lost"}, nil
		},
	})
}

// sparesUntransacted is true of the store that a processor reads from, and of modes without transactions.
func sparesUntransacted(m semantics.Mode, s semantics.Stage) string {
	if !m.Traits.Transactional {
		return "it has no transactions"
	}
	return sparesStore(m, s)
}
