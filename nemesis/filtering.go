package nemesis

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"waybill/harness/history"
	"waybill/harness/semantics"
	"waybill/nemesis/frames"
)

// filtering is the action of every fault that does something to single frames of clients: to those and no others, whatever the network
// and the brokers do. Which messages a frame was about is left to what the clients record.
type filtering struct {
	v       View
	prey    []prey
	trigger trigger
	what    string // that was done to frames, in words: "confirmations lost"
	kill    bool   // each victim, once something was done to a frame of its own: nothing that it says later can make up for that

	set    bool
	dead   []string
	before map[string]uint64 // frames hit so far, by host
}

// prey is what is chosen of one lane: hosts, and what is done to their frames.
type prey struct {
	lane  Lane
	hosts []string
	rules []frames.Rule
}

func (f *filtering) Victims() string {
	var parts []string
	for _, p := range f.prey {
		var acts []string
		for _, r := range p.rules {
			acts = append(acts, fmt.Sprintf("%s %s", r.Act, r.Kind))
		}
		parts = append(parts, strings.Join(acts, ", ")+" at "+strings.Join(p.hosts, ", "))
	}
	s := strings.Join(parts, "; ")
	if f.kill {
		s += "; then kill"
	}
	return s
}

func (f *filtering) Arm(ctx context.Context) error { return f.v.await(ctx, f.trigger.look) }

func (f *filtering) Inject(ctx context.Context) error {
	f.set, f.before = true, map[string]uint64{}
	f.trigger.reset()
	for _, p := range f.prey {
		for _, h := range p.hosts {
			f.before[h] = f.v.Clients.Counter(h, history.Hits)
		}
	}
	for _, p := range f.prey {
		for i, h := range p.hosts {
			own := slices.Clone(p.rules)
			for r := range own {
				own[r].Seed += uint64(i) // clients choose apart from each other
			}
			if err := f.v.Clients.Filter(ctx, own, h); err != nil {
				return err
			}
		}
	}
	if !f.kill {
		return nil
	}
	return f.killEach(ctx)
}

// killEach kills each victim as soon as a frame of its own was hit, and those that none was hit of when the limit of the trigger has passed.
func (f *filtering) killEach(ctx context.Context) error {
	return eachInTime(ctx, f.v, f.hosts(), func(h string) bool { return f.hits(h) > 0 }, func(h string) error {
		f.dead = append(f.dead, h)
		return f.v.Machines.Kill(ctx, h)
	})
}

func (f *filtering) hosts() (hosts []string) {
	for _, p := range f.prey {
		hosts = append(hosts, p.hosts...)
	}
	return hosts
}

// hits is how many frames of a host were hit since the strike began. The figures of the dead outlive them.
func (f *filtering) hits(host string) uint64 {
	return f.v.Clients.Counter(host, history.Hits) - f.before[host]
}

// Observe waits until something was done to a frame of every lane, at most for the trigger limit: those come by in their own time.
func (f *filtering) Observe(ctx context.Context) (Exposure, error) {
	if err := f.v.inState("down", f.dead); err != nil {
		return Exposure{}, err
	}
	x := f.seen()
	if f.kill {
		return x, nil // the dead send nothing any more: what was seen is all there is
	}
	err := f.v.await(ctx, func() bool {
		x = f.seen()
		return x.Bit
	})
	return x, err
}

// seen is what was done to frames so far.
func (f *filtering) seen() Exposure {
	x := Exposure{Bit: true}
	var parts []string
	for _, p := range f.prey {
		var n int64
		for _, h := range p.hosts {
			n += int64(f.hits(h))
		}
		x.Bit = x.Bit && n > 0
		x.Count += n
		parts = append(parts, fmt.Sprintf("%d on %s", n, p.lane.Name))
	}
	x.Text = f.what + " so far: " + strings.Join(parts, ", ")
	return x
}

func (f *filtering) Recover(ctx context.Context) error {
	if !f.set {
		return nil
	}
	living := slices.DeleteFunc(f.hosts(), func(h string) bool { return slices.Contains(f.dead, h) })
	if len(living) > 0 {
		if err := f.v.Clients.Filter(ctx, nil, living...); err != nil {
			return err
		}
	}
	if len(f.dead) > 0 { // and are born without rules
		if err := f.v.Machines.Restart(ctx, f.dead...); err != nil {
			return err
		}
	}
	f.set, f.dead = false, nil
	return nil
}

func (f *filtering) Verify(ctx context.Context) error {
	if err := f.v.inState("up", f.hosts()); err != nil {
		return err
	}
	return until(ctx, f.v.Healthy)
}

// choose makes the prey of a fault: of each lane that it does not spare, the clients that pick chooses.
func choose(rng *rand.Rand, v View, spares func(semantics.Mode, semantics.Stage) string, pick func(Lane) []string, rules ...frames.Rule) (out []prey) {
	for _, l := range v.Lanes {
		if sparesAll(spares, l.Mode) {
			continue
		}
		own := slices.Clone(rules)
		for i := range own {
			own[i].Seed = rng.Uint64()
		}
		out = append(out, prey{l, pick(l), own})
	}
	return out
}
