package nemesis

import (
	"context"
	"fmt"
	"strings"
)

// kill is the action of every fault that ends hosts with SIGKILL.
type kill struct {
	v       View
	hosts   []string
	prepare func(ctx context.Context) error // before the trigger; may be nil
	trigger trigger
	dead    bool
}

func (k *kill) Victims() string { return "kill " + strings.Join(k.hosts, ", ") }

func (k *kill) Arm(ctx context.Context) error {
	if k.prepare != nil {
		if err := k.prepare(ctx); err != nil {
			return err
		}
	}
	return k.v.await(ctx, k.trigger.look)
}

func (k *kill) Inject(ctx context.Context) error {
	k.dead = true
	return k.v.Machines.Kill(ctx, k.hosts...)
}

func (k *kill) Observe(context.Context) (Exposure, error) {
	if err := k.v.inState("down", k.hosts); err != nil {
		return Exposure{}, err
	}
	return k.trigger.exposure(), nil
}

func (k *kill) Recover(ctx context.Context) error {
	if !k.dead {
		return nil
	}
	if err := k.v.Machines.Restart(ctx, k.hosts...); err != nil {
		return err
	}
	k.dead = false
	return nil
}

func (k *kill) Verify(ctx context.Context) error {
	if err := k.v.inState("up", k.hosts); err != nil {
		return err
	}
	return until(ctx, k.v.Healthy)
}

// inState is nil when every host is in the state.
func (v View) inState(want string, hosts []string) error {
	for _, h := range hosts {
		got, err := v.Machines.State(h)
		if err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("nemesis: %s is %s, not %s", h, got, want)
		}
	}
	return nil
}
