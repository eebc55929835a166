package nemesis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// link is one direction: what from sends does not arrive at to.
type link struct{ from, to []string }

// both is a link cut in both directions.
func both(a, b []string) []link { return []link{{a, b}, {b, a}} }

// cut is the action of every fault that drops packets.
type cut struct {
	v       View
	links   []link
	prepare func(ctx context.Context) error // before the trigger; may be nil
	restore func(ctx context.Context) error // after the heal; may be nil
	trigger trigger
	heals   []func() error
}

func (c *cut) Victims() string {
	var parts []string
	for _, l := range c.links {
		parts = append(parts, strings.Join(l.from, ",")+" -/-> "+strings.Join(l.to, ","))
	}
	return strings.Join(parts, "; ")
}

func (c *cut) Arm(ctx context.Context) error {
	if c.prepare != nil {
		if err := c.prepare(ctx); err != nil {
			return err
		}
	}
	return c.v.await(ctx, c.trigger.look)
}

// Inject cuts off each victim of a trigger that has some at its own moment, and at once whoever is left.
func (c *cut) Inject(ctx context.Context) error {
	c.trigger.reset()
	var gone []string
	err := c.trigger.strike(ctx, nil, func(victims ...string) error {
		gone = append(gone, victims...)
		return c.sever(func(h string) bool { return slices.Contains(victims, h) })
	})
	if err != nil {
		return err
	}
	return c.sever(func(h string) bool { return !slices.Contains(gone, h) })
}

// sever drops what the chosen hosts send along the links.
func (c *cut) sever(chosen func(host string) bool) error {
	for _, l := range c.links {
		from := slices.DeleteFunc(slices.Clone(l.from), func(h string) bool { return !chosen(h) })
		if len(from) == 0 {
			continue
		}
		heal, err := c.v.Links.Cut(from, l.to)
		if err != nil {
			return err
		}
		c.heals = append(c.heals, heal)
	}
	return nil
}

// Observe waits until packets have been dropped in every direction that was cut: a cut nobody ran into is no fault.
func (c *cut) Observe(ctx context.Context) (Exposure, error) {
	err := until(ctx, func(context.Context) error {
		for _, l := range c.links {
			var dropped uint64
			for _, h := range l.to {
				n, err := c.v.Links.Dropped(h)
				if err != nil {
					return err
				}
				dropped += n
			}
			if dropped == 0 {
				return fmt.Errorf("nemesis: nothing from %s to %s was dropped", strings.Join(l.from, ","), strings.Join(l.to, ","))
			}
		}
		return nil
	})
	if s, lasts := c.trigger.(*stranded); lasts && err == nil {
		if err = c.v.await(ctx, s.look); errors.Is(err, context.DeadlineExceeded) {
			err = nil // the strike is over, and the exposure says who never held anything
		}
	}
	return c.trigger.exposure(), err
}

func (c *cut) Recover(ctx context.Context) error {
	var errs []error
	for _, heal := range c.heals {
		errs = append(errs, heal())
	}
	if c.restore != nil {
		errs = append(errs, c.restore(ctx))
	}
	return errors.Join(errs...)
}

// Verify opens a new connection along every pair that was cut, then asks the brokers.
func (c *cut) Verify(ctx context.Context) error {
	brokers := map[string]bool{}
	for _, b := range c.v.Brokers {
		brokers[b] = true
	}
	for _, l := range c.links {
		for _, a := range l.from {
			for _, b := range l.to {
				from, broker := a, b
				if !brokers[b] {
					from, broker = b, a // only brokers listen; a connection needs both directions, so it proves either
				}
				if err := until(ctx, func(ctx context.Context) error { return c.v.Links.Reach(ctx, from, broker) }); err != nil {
					return fmt.Errorf("nemesis: %s does not reach %s after the heal: %w", from, broker, err)
				}
			}
		}
	}
	return until(ctx, c.v.Healthy)
}
