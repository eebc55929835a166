package nemesis

import (
	"context"
	"math/rand/v2"
)

func init() {
	Register(Fault{
		Name:    "isolate-broker",
		Summary: "cut one broker off from the rest of the cluster; clients still reach all of it",
		Plan:    "one broker, from all other hosts of the cluster, both ways, while every confirming lane has an unconfirmed publish",
		Last:    true,
		Length:  outlastsDetection,
		Here:    ownNetwork,
		Spares:  sparesNothing,
		New: func(rng *rand.Rand, v View, _ Args) (Action, error) {
			node := oneOf(rng, v.Brokers)
			return &cut{v: v, links: both([]string{node}, v.peers(node)), trigger: &inFlight{v: v}}, nil
		},
	})
	Register(Fault{
		Name:    "isolate-leader",
		Summary: "cut the leader of every lane's queue off from its peers, with a producer and a consumer of each lane kept on its side",
		Plan:    "the broker that leads every lane's queue (gathered there first), from all other hosts of the cluster, both ways; one producer and one consumer of each lane stay with it",
		Tour:    true,
		Last:    true,
		Length:  outlastsDetection,
		Here:    led("queue", ownNetwork),
		Spares:  sparesNothing,
		New: func(rng *rand.Rand, v View, _ Args) (Action, error) {
			node := oneOf(rng, v.Brokers)
			var pinned []string
			for _, l := range v.Lanes {
				pinned = append(pinned, oneOf(rng, l.Producers), oneOf(rng, l.Consumers))
			}
			c := &cut{v: v, links: both([]string{node}, v.peers(node)), trigger: &inFlight{v: v},
				restore: func(ctx context.Context) error { return v.Clients.Pin(ctx, "", pinned...) }}
			c.prepare = func(ctx context.Context) error {
				node, err := v.leaderAt(ctx, "queue", node)
				if err != nil {
					return err
				}
				c.links = both([]string{node}, v.peers(node))
				if err := v.Clients.Pin(ctx, node, pinned...); err != nil {
					return err
				}
				return v.Leaders.Gather(ctx, "queue", node)
			}
			return c, nil
		},
	})
}
