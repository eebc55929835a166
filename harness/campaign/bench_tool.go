package campaign

import (
	"context"
	"errors"
	"os"

	"waybill/results/bench"
)

// leastToolMessages are enough for a tool to print a rate at all.
const leastToolMessages = 1000

// tryTools lets the product's own tool run once before the blocks for every mode that it is held against, to learn how many messages it needs to
// be busy for as long as the harness's clients are. A tool that takes a number of messages would otherwise end while it is still warming up
// wherever it publishes faster than a mode delivers. What goes wrong is told, and goes wrong in the blocks again.
func (c *benching) tryTools(ctx context.Context, p *product, in func(profile string) bool) error {
	c.tools = map[string]float64{}
	for _, a := range c.b.Plan.Arms {
		if a.Kind != bench.Rival || p.target == nil || a.Target != p.description.Name || !in(a.Profile) {
			continue
		}
		if c.stopped() || ctx.Err() != nil {
			return nil
		}
		c.began(Step{Target: a.Target, Arm: a.Name})
		ws, err := c.carry(ctx, p, []bench.Arm{a}, nil)
		if err != nil {
			return err
		}
		w := ws[0]
		r := c.replicate(ctx, p, a, w)
		if r.Failed != "" {
			c.say("! %s: %s", a.Name, r.Failed)
		}
		c.tools[rateKey(a.Mode, a.Profile)] = r.Goodput
		if err := errors.Join(c.dir.Append(r), os.RemoveAll(c.dir.Run(w.run))); err != nil {
			return err
		}
	}
	return nil
}

// toolMessages is how many messages a tool is to publish in all, for its warm-up and the measurement.
func (c *benching) toolMessages(a bench.Arm) int {
	rate := max(c.rates[rateKey(a.Mode, a.Profile)], c.tools[rateKey(a.Mode, a.Profile)])
	return max(leastToolMessages, int(rate*(c.b.Plan.Warm+c.b.Plan.Measure).Seconds()))
}
