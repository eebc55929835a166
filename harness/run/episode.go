package run

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/nemesis"
	"waybill/targets"
)

// strikesAtMost is how often a fault that bit nothing strikes again.
const strikesAtMost = 3

// runEpisode is calm, one fault, verified heal, settle, checkpoint. An error ends the run; a fault that fails is recorded and does not.
func (c *controller) runEpisode(ctx, soft context.Context, e experiment.Episode) error {
	c.episode.Store(int64(e.Number))
	ref := uint64(e.Number)
	c.journal.put(history.Event{Kind: history.EpisodeBegin, Ref: ref, Name: e.Fault})
	c.say(e, "calm")
	load(soft, e.Calm)
	if soft.Err() == nil {
		if err := c.strike(ctx, soft, e); err != nil {
			return err
		}
		c.say(e, "settle")
		load(ctx, c.exp.Limits.Settle)
	}
	c.say(e, "checkpoint")
	if err := c.checkpoint(ctx, e.Number); err != nil {
		return err
	}
	c.journal.put(history.Event{Kind: history.EpisodeEnd, Ref: ref})
	if err := c.journal.failed(); err != nil {
		return err
	}
	return c.orderClients(ctx, "resume")
}

func (c *controller) say(e experiment.Episode, phase string) {
	c.tell(Progress{Episode: e.Number, Fault: e.Fault, Phase: phase})
}

// load lets time pass under load. What cuts it short is seen by whatever comes next.
func load(ctx context.Context, d time.Duration) { _ = targets.Pause(ctx, d) }

// strike plans, injects, observes, recovers and verifies one fault, again if it bit nothing, and records every step.
func (c *controller) strike(ctx, soft context.Context, e experiment.Episode) error {
	ref := uint64(e.Number)
	c.journal.put(history.Event{Kind: history.FaultPlan, Ref: ref, Name: e.Fault, Text: e.Plan})
	fault, args, err := nemesis.Find(e.Fault)
	if err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(e.Seed, ref))
	c.inSync(soft, e)
	for n := 1; ; n++ {
		action, err := fault.New(rng, c.view(), args)
		if err != nil {
			c.journal.put(history.Event{Kind: history.FaultRefused, Ref: ref, Name: e.Fault, Text: err.Error()})
			c.tell(Progress{Warning: fmt.Sprintf("%s is refused: %v", e.Fault, err)})
			return nil
		}
		bit, err := c.once(ctx, soft, e, action)
		if err != nil || bit || n == strikesAtMost || soft.Err() != nil {
			return err
		}
		c.tell(Progress{Warning: fmt.Sprintf("%s bit nothing: strike %d of at most %d", e.Fault, n+1, strikesAtMost)})
		load(soft, time.Second)
	}
}

// inSync waits until every replica has caught up, so that this fault strikes a whole cluster and not what an earlier one left behind.
// If that does not come to pass within the limit, the fault strikes all the same, and the episode says so.
func (c *controller) inSync(ctx context.Context, e experiment.Episode) {
	s, ok := c.cluster.(targets.Syncer)
	if !ok {
		return
	}
	limit, cancel := context.WithTimeout(ctx, c.exp.Limits.Sync)
	defer cancel()
	told := false
	err := every(limit, 200*time.Millisecond, func(ctx context.Context) error {
		look, cancel := context.WithTimeout(ctx, 3*time.Second)
		defer cancel()
		err := s.InSync(look)
		if err != nil && !told {
			told = true
			c.say(e, "waiting for all replicas to be in sync")
		}
		return err
	})
	if err != nil && ctx.Err() == nil {
		c.tell(Progress{Warning: fmt.Sprintf("%s strikes although not all replicas are in sync: %v", e.Fault, err)})
		c.journal.put(history.Event{Kind: history.InSync, Ref: uint64(e.Number), Name: e.Fault, Text: err.Error(), Status: history.Failed})
	}
}

// once carries one strike out. After an error in it only recovery is allowed, and is always tried.
func (c *controller) once(ctx, soft context.Context, e experiment.Episode, action nemesis.Action) (bit bool, err error) {
	ref := uint64(e.Number)
	c.say(e, "arm")
	failed := func(step string, err error) {
		c.journal.put(history.Event{Kind: history.FaultObserved, Ref: ref, Name: e.Fault, Status: history.Failed, Text: step + ": " + err.Error()})
		c.tell(Progress{Warning: fmt.Sprintf("%s: %s: %v", e.Fault, step, err)})
	}
	armed := true
	arm, cancel := context.WithTimeout(soft, 2*c.exp.Limits.Trigger+c.exp.Limits.Heal)
	if err := action.Arm(arm); err != nil {
		armed = false
		failed("arm", err)
	}
	cancel()
	if armed {
		c.journal.put(history.Event{Kind: history.FaultInject, Ref: ref, Name: e.Fault, Text: action.Victims()})
		err := action.Inject(ctx)
		struck := time.Now() // all of it: a strike may wait for each victim's moment
		c.journal.put(history.Event{Kind: history.FaultInjected, Ref: ref, Name: e.Fault})
		c.tell(Progress{Episode: e.Number, Fault: e.Fault, Phase: "fault", Line: action.Victims()})
		if err != nil {
			failed("inject", err)
		} else {
			bit = c.observe(ctx, e, action, failed)
		}
		load(soft, e.Length-time.Since(struck))
	}
	c.say(e, "heal")
	healed := time.Now()
	c.journal.put(history.Event{Kind: history.FaultRecover, Ref: ref, Name: e.Fault})
	limit, cancel := context.WithTimeout(ctx, c.healLimit(e))
	defer cancel()
	err = action.Recover(limit)
	if err == nil {
		err = c.mend(limit, e)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		c.serviceHealed(limit, ref, healed) // beside the verification: what the cluster says and what clients get are two things
	}()
	if err == nil {
		err = action.Verify(limit)
	}
	<-served
	if why := c.aborted(); why != nil {
		return bit, why
	}
	v := history.Event{Kind: history.FaultVerified, Ref: ref, Name: e.Fault, Status: history.OK}
	if err != nil {
		v.Status, v.Text = history.Failed, err.Error()
		c.tell(Progress{Warning: fmt.Sprintf("%s: not healed: %v", e.Fault, err)})
	}
	c.journal.put(v)
	return bit, ctx.Err()
}

// mend does what an operator would after the heal, where the product does not come back by itself.
func (c *controller) mend(ctx context.Context, e experiment.Episode) error {
	m, ok := c.cluster.(targets.Mender)
	if !ok {
		return nil
	}
	c.say(e, "mend")
	if err := m.Mend(ctx); err != nil {
		return fmt.Errorf("mend: %w", err)
	}
	return nil
}

// observe asks the fault what it sees of its bite.
func (c *controller) observe(ctx context.Context, e experiment.Episode, action nemesis.Action, failed func(string, error)) bool {
	look, cancel := context.WithTimeout(ctx, max(e.Length, time.Second))
	defer cancel()
	x, err := action.Observe(look)
	if err != nil {
		failed("observe", err)
		return false
	}
	v := history.Event{Kind: history.FaultObserved, Ref: uint64(e.Number), Name: e.Fault, Status: history.OK, Count: uint64(x.Count), Text: x.Text}
	if !x.Bit {
		v.Status = history.Failed
	}
	c.journal.put(v)
	return x.Bit
}

// operatorTakes is how much longer recovery may take where an operator may have to mend the cluster: to see that it does not do so itself,
// and to start a node anew.
const operatorTakes = time.Minute

// healLimit is how long recovery may take: TCP itself may need half a cut's length again to notice that it is over.
func (c *controller) healLimit(e experiment.Episode) time.Duration {
	limit := c.exp.Limits.Heal + e.Length*3/2
	if _, ok := c.cluster.(targets.Mender); ok {
		limit += operatorTakes
	}
	return limit
}

// serviceHealed waits until each lane has had publishes acknowledged (where the mode has that) and deliveries received that began after the heal.
func (c *controller) serviceHealed(ctx context.Context, ref uint64, since time.Time) {
	done := make(chan struct{})
	for _, l := range c.lanes {
		go func() {
			defer func() { done <- struct{}{} }()
			err := c.served(ctx, l)
			if errors.Is(ctx.Err(), context.Canceled) {
				return // the run was ended: nothing is known of the lane's service
			}
			e := history.Event{Kind: history.ServiceHealed, Ref: ref, Lane: uint32(l.index), Status: history.OK, Count: uint64(time.Since(since).Microseconds())}
			if err != nil {
				e.Status, e.Reason, e.Text = history.Failed, history.LimitReached, err.Error()
			}
			c.journal.put(e)
		}()
	}
	for range c.lanes {
		<-done
	}
}

// served waits until every producer of the lane has had an outcome that is good for its mode, and the group a delivery, counted from now.
func (c *controller) served(ctx context.Context, l *lane) error {
	good := history.AckedSends
	if !l.spec.Mode.Traits.Confirms {
		good = history.Sent
	}
	var before []uint64
	for _, p := range l.producers {
		before = append(before, p.counter(good))
	}
	received := sum(history.Received, l.consumers)
	t := time.NewTicker(5 * time.Millisecond)
	defer t.Stop()
	for {
		var waiting []string
		for i, p := range l.producers {
			if p.counter(good) <= before[i] {
				waiting = append(waiting, p.host.Name())
			}
		}
		if sum(history.Received, l.consumers) <= received {
			waiting = append(waiting, "any consumer of "+l.spec.Name)
		}
		if len(waiting) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("run: no service after the heal for %v", waiting)
		case <-t.C:
		}
	}
}
