package nemesis

import (
	"cmp"
	"context"
	"fmt"
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
		Here:    led("queue", ownBrokers),
		Spares:  sparesNothing,
		New: func(rng *rand.Rand, v View, args Args) (Action, error) {
			k := &kill{v: v, hosts: []string{oneOf(rng, v.Brokers)}, trigger: &inFlight{v: v}}
			k.prepare = func(ctx context.Context) error {
				node, err := v.leaderAt(ctx, args["of"], k.hosts[0])
				if err != nil {
					return err
				}
				k.hosts = []string{node}
				return v.Leaders.Gather(ctx, args["of"], node)
			}
			return k, nil
		},
	})
}

// leaderAt is the node at which leaders are to be gathered: where a queue without failover lives, which cannot be moved; else the one
// that was chosen.
func (v View) leaderAt(ctx context.Context, of, chosen string) (string, error) {
	anchor, err := v.Leaders.Anchor(ctx, of)
	if err != nil {
		return "", fmt.Errorf("nemesis: where queues without failover live: %w", err)
	}
	return cmp.Or(anchor, chosen), nil
}
