package nemesis

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"waybill/harness/experiment"
)

// diskModel says what of the writes that were never synced survives. The values are those of package disk, where each is described.
var diskModel = Param{Name: "model", Values: []string{"lazy", "strict", "torn", "writeback=30s"},
	Meaning: "what survives unsynced: nothing but metadata (lazy), nothing (strict), a random part (torn), what is older than 30 s (writeback=30s)"}

const powerFailure = "power-failure"

func init() {
	Register(Fault{
		Name:    powerFailure,
		Summary: "take the power from brokers and their disks at one instant: what was never synced is gone",
		Plan: "power of {of} of the brokers, and of the disks, which forget what was not synced ({model}), while every confirming lane has an " +
			"unconfirmed publish; controllers of their own keep theirs",
		Params: []Param{{Name: "of", Values: []string{"all", "one"}, Meaning: "who loses power: all brokers at once, or one", Tour: true}, diskModel},
		Length: func(t Timing, a Args) time.Duration {
			if a["of"] == "one" {
				return outlastsDetection(t, a)
			}
			return 2 * time.Second
		},
		Here:   forgetfulDisks,
		Spares: sparesNothing,
		New: func(rng *rand.Rand, v View, args Args) (Action, error) {
			hosts := v.Brokers
			if args["of"] == "one" {
				hosts = []string{oneOf(rng, v.Brokers)}
			}
			return newOutage(v, hosts, args)
		},
	})
}

// forgetfulDisks is Fault.Here of what needs brokers on disks that forget.
func forgetfulDisks(p Place, a Args) string {
	if why := ownBrokers(p, a); why != "" {
		return why
	}
	return p.Disks
}

// NeedsDisks reports whether a fault takes the power from disks: then brokers' data must lie on disks that forget.
func NeedsDisks(spec string) (bool, error) {
	f, _, err := Find(spec)
	return err == nil && f.Name == powerFailure, err
}

// DiskModel returns the model of the disks that a schedule needs, or "" if none of its faults needs any. A disk has one model for as long
// as it lasts, so that all such faults of a schedule must name the same.
func DiskModel(s experiment.Schedule) (string, error) {
	model, by := "", ""
	for _, e := range s.Episodes {
		f, args, err := Find(e.Fault)
		if err != nil {
			return "", err
		}
		switch m := args[diskModel.Name]; {
		case f.Name != powerFailure:
		case model == "":
			model, by = m, e.Fault
		case m != model:
			return "", fmt.Errorf("nemesis: %s and %s want disks of two models, %s and %s: want one model in a schedule, and the other in a run of its own",
				by, e.Fault, model, m)
		}
	}
	return model, nil
}

// outage is the action of the faults that take the power from hosts: a kill whose victims' disks forget.
//
// The order is the whole of it. The disks lose power first, all at one instant, so that nothing which a dying broker still writes, or
// syncs, is kept on one node and not on another; then the hosts end; then the disks forget; and only then are they used again.
type outage struct {
	kill
	model   string
	cut     bool // the disks may be without power
	forgot  bool // since then
	bytes   int64
	missing bool // a host may still be up that has no disk
}

func newOutage(v View, hosts []string, args Args) (Action, error) {
	if v.Disks == nil {
		return nil, fmt.Errorf("nemesis: the brokers are on disks that forget nothing")
	}
	return &outage{kill: kill{v: v, hosts: hosts, trigger: &inFlight{v: v}}, model: args[diskModel.Name]}, nil
}

func (o *outage) Victims() string {
	return fmt.Sprintf("power of %s, disks %s", strings.Join(o.hosts, ", "), o.model)
}

func (o *outage) Inject(ctx context.Context) error {
	o.cut, o.missing = true, true
	if err := o.v.Disks.Plug(ctx, o.hosts...); err != nil {
		return err
	}
	if err := o.kill.Inject(ctx); err != nil {
		return err
	}
	o.missing = false
	return nil
}

func (o *outage) Observe(ctx context.Context) (Exposure, error) {
	x, err := o.kill.Observe(ctx)
	if err != nil {
		return x, err
	}
	if err := o.forget(ctx); err != nil {
		return x, err
	}
	x.Text = fmt.Sprintf("forgot %d bytes on %s (model %s); %s", o.bytes, strings.Join(o.hosts, ", "), o.model, x.Text)
	return x, nil
}

// forgetLimit is how long disks may take to forget. One that was asked does so, whether anybody waits or not, and says only once what it
// was: it is waited for longer than a look at a fault otherwise takes.
const forgetLimit = 40 * time.Second

func (o *outage) forget(ctx context.Context) error {
	if !o.cut || o.forgot {
		return nil
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), forgetLimit)
	defer cancel()
	n, err := o.v.Disks.Forget(limit, o.hosts...)
	if err != nil {
		return err
	}
	o.bytes, o.forgot = n, true
	return nil
}

// Recover gives the power back. A strike that failed half-way is finished first: a broker whose disk has lost power is of no use until
// it is dead and the disk has forgotten.
func (o *outage) Recover(ctx context.Context) error {
	if !o.cut {
		return nil
	}
	if o.missing {
		if err := o.v.Machines.Kill(ctx, o.up()...); err != nil {
			return err
		}
		o.dead, o.missing = true, false
	}
	if err := o.forget(ctx); err != nil {
		return err
	}
	return o.kill.Recover(ctx)
}

// up are the hosts that are not known to be down.
func (o *outage) up() []string {
	return slices.DeleteFunc(slices.Clone(o.hosts), func(h string) bool {
		state, err := o.v.Machines.State(h)
		return err == nil && state == "down"
	})
}
