package nemesis

import (
	"context"
	"strings"
)

// pause is the action of every fault that stops hosts for a while.
type pause struct {
	v       View
	hosts   []string
	trigger trigger
	stopped bool
}

func (p *pause) Victims() string { return "pause " + strings.Join(p.hosts, ", ") }

func (p *pause) Arm(ctx context.Context) error { return p.v.await(ctx, p.trigger.look) }

func (p *pause) Inject(ctx context.Context) error {
	p.stopped = true
	p.trigger.reset()
	return p.trigger.strike(ctx, p.hosts, func(hosts ...string) error { return p.v.Machines.Pause(ctx, hosts...) })
}

func (p *pause) Observe(context.Context) (Exposure, error) {
	if err := p.v.inState("paused", p.hosts); err != nil {
		return Exposure{}, err
	}
	return p.trigger.exposure(), nil
}

func (p *pause) Recover(ctx context.Context) error {
	if !p.stopped {
		return nil
	}
	if err := p.v.Machines.Resume(ctx, p.hosts...); err != nil {
		return err
	}
	p.stopped = false
	return nil
}

func (p *pause) Verify(ctx context.Context) error {
	if err := p.v.inState("up", p.hosts); err != nil {
		return err
	}
	return until(ctx, p.v.Healthy)
}
