package nemesis

import (
	"context"
	"fmt"
	"math/rand/v2"
)

func init() {
	Register(Fault{
		Name:    "kill-controller",
		Summary: "SIGKILL the host that leads the cluster itself: metadata, memberships and elections, whether it is a broker or not",
		Plan:    "whoever leads the cluster at that moment, while every confirming lane has an unconfirmed publish",
		Length:  outlastsDetection,
		Here:    led("controller", ownBrokers),
		Spares:  sparesNothing,
		New: func(_ *rand.Rand, v View, _ Args) (Action, error) {
			k := &kill{v: v, who: "the controller", trigger: &inFlight{v: v}}
			k.prepare = func(ctx context.Context) error {
				host, err := v.Leaders.Controller(ctx)
				if err != nil {
					return fmt.Errorf("nemesis: who leads the cluster: %w", err)
				}
				k.hosts = []string{host}
				return nil
			}
			return k, nil
		},
	})
}
