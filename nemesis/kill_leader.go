package nemesis

import (
	"context"
	"math/rand/v2"
)

func init() {
	Register(Fault{
		Name:    "kill-leader",
		Summary: "SIGKILL the broker that leads every lane's queue, or consumer group",
		Plan:    "the broker that leads every lane's {of} (gathered there first), while every confirming lane has an unconfirmed publish",
		Params:  []Param{{Name: "of", Values: []string{"queue", "consumer"}, Meaning: "whose leader", Tour: true}},
		Tour:    true,
		Length:  outlastsDetection,
		Spares:  sparesNothing,
		New: func(rng *rand.Rand, v View, args Args) (Action, error) {
			node := oneOf(rng, v.Brokers)
			return &kill{v: v, hosts: []string{node}, trigger: &inFlight{v: v}, prepare: func(ctx context.Context) error {
				return v.Leaders.Gather(ctx, args["of"], node)
			}}, nil
		},
	})
}
