package nemesis

import (
	"cmp"
	"context"
	"fmt"
	"strings"
)

// kill is the action of every fault that ends hosts with SIGKILL.
type kill struct {
	v       View
	hosts   []string
	who     string                          // in words, where the hosts are only known once it is armed
	prepare func(ctx context.Context) error // before the trigger; may be nil
	trigger trigger
	times   int // in a row, each one armed anew; 0 is once
	dead    bool
	seen    Exposure // of the kills before the last
}

func (k *kill) Victims() string {
	s := "kill " + cmp.Or(strings.Join(k.hosts, ", "), k.who)
	if k.times > 1 {
		s += fmt.Sprintf(", %d times", k.times)
	}
	return s
}

func (k *kill) Arm(ctx context.Context) error {
	if k.prepare != nil {
		if err := k.prepare(ctx); err != nil {
			return err
		}
	}
	return k.v.await(ctx, k.trigger.look)
}

func (k *kill) Inject(ctx context.Context) error {
	for n := 1; ; n++ {
		k.dead = true
		k.trigger.reset()
		err := k.trigger.strike(ctx, k.hosts, func(hosts ...string) error { return k.v.Machines.Kill(ctx, hosts...) })
		if err != nil || n >= k.times {
			return err
		}
		x, err := k.Observe(ctx)
		if err != nil {
			return err
		}
		k.seen = x
		if err := k.Recover(ctx); err != nil {
			return err
		}
	}
}

func (k *kill) Observe(context.Context) (Exposure, error) {
	if err := k.v.inState("down", k.hosts); err != nil {
		return Exposure{}, err
	}
	x := k.trigger.exposure()
	if k.times > 1 {
		// A kill among many that met nothing does not undo what the others did.
		x.Bit, x.Count = x.Bit || k.seen.Bit, x.Count+k.seen.Count
		x.Text = fmt.Sprintf("%d deliveries unacknowledged at the strikes, together; the last: %s", x.Count, x.Text)
	}
	return x, nil
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
