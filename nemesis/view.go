package nemesis

import (
	"context"
	"slices"
	"time"

	"waybill/harness/history"
	"waybill/harness/semantics"
	"waybill/nemesis/frames"
)

// View is what a fault may see and do. Hosts go by name.
type View struct {
	Brokers []string
	Extra   []string // hosts that belong to the cluster and serve no clients: controllers of their own
	Lanes   []Lane
	Timing  Timing
	Trigger time.Duration // the longest to wait for something in flight

	Machines Machines
	Links    Links
	Leaders  Leaders
	Clients  Clients
	Disks    Disks // nil: brokers are on plain disks
	// Healthy returns nil when all brokers are up, in contact and in sync.
	Healthy func(ctx context.Context) error
}

// Lane is one mode's clients.
type Lane struct {
	Name      string
	Mode      semantics.Mode
	Producers []string // hosts
	Consumers []string
}

// Machines does things to hosts. Each step that ends or starts a life is recorded by the implementation.
type Machines interface {
	Kill(ctx context.Context, hosts ...string) error
	Restart(ctx context.Context, hosts ...string) error // and start again what ran there, as a new life
	Pause(ctx context.Context, hosts ...string) error
	Resume(ctx context.Context, hosts ...string) error
	// State is "down", "paused" (every process stopped) or "up", read from process states.
	State(host string) (string, error)
}

// Links cuts and mends.
type Links interface {
	Cut(from, to []string) (heal func() error, err error)
	// Dropped is how many packets cuts have dropped at host.
	Dropped(host string) (uint64, error)
	// Reach opens a new connection from a host to a broker.
	Reach(ctx context.Context, from, broker string) error
}

// Leaders moves the leaders of all lanes' queues or consumer groups.
type Leaders interface {
	// Anchor is the node where a queue without failover lives, "" if there is no such: a fault that wants leaders gathers them there.
	Anchor(ctx context.Context, of string) (node string, err error)
	// Gather makes node lead in every lane that has such leaders and can move them.
	Gather(ctx context.Context, of, node string) error
	// Controller is the host that leads the cluster itself.
	Controller(ctx context.Context) (host string, err error)
}

// Clients orders clients about and reads their live figures, which works for stopped and dead ones too.
type Clients interface {
	Pin(ctx context.Context, node string, hosts ...string) error // "" lets them free
	Counter(host string, c history.Counter) uint64
	// Filter sets the rules for the frames of these clients, in place of those before; none: everything passes.
	Filter(ctx context.Context, rules []frames.Rule, hosts ...string) error
}

// Disks are what the brokers' data lie on: they forget what was never synced when the power goes.
type Disks interface {
	// Plug takes the power from the disks of these hosts, at one instant: from then on nothing is written, synced or changed there.
	Plug(ctx context.Context, hosts ...string) error
	// Forget drops what was not durable. It is called after the hosts were killed and before they are restarted, and records what was lost.
	Forget(ctx context.Context, hosts ...string) (bytes int64, err error)
}

// producers and consumers are the hosts of those clients in every lane.
func (v View) producers() (hosts []string) {
	for _, l := range v.Lanes {
		hosts = append(hosts, l.Producers...)
	}
	return hosts
}

func (v View) consumers() (hosts []string) {
	for _, l := range v.Lanes {
		hosts = append(hosts, l.Consumers...)
	}
	return hosts
}

// peers are all hosts of the cluster but node. A broker that still hears its controller is no isolated one: it keeps what it leads.
func (v View) peers(node string) []string {
	return slices.DeleteFunc(slices.Concat(v.Brokers, v.Extra), func(h string) bool { return h == node })
}

// sum adds a live figure over hosts.
func (v View) sum(c history.Counter, hosts []string) (n uint64) {
	for _, h := range hosts {
		n += v.Clients.Counter(h, c)
	}
	return n
}

// await looks every 100 microseconds, since what is in flight is so for milliseconds, until ready or the trigger limit.
// It is no error if the limit passes: whether the strike bit is seen afterwards.
func (v View) await(ctx context.Context, ready func() bool) error {
	limit := time.NewTimer(v.Trigger)
	defer limit.Stop()
	look := time.NewTicker(100 * time.Microsecond)
	defer look.Stop()
	for !ready() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-limit.C:
			return nil
		case <-look.C:
		}
	}
	return nil
}

// attempt is the longest that one look may take: a question that hangs must be asked again.
const attempt = 3 * time.Second

// until polls until check returns nil. At the end of ctx the error is what check last said of its own accord.
func until(ctx context.Context, check func(context.Context) error) error {
	poll := time.NewTicker(100 * time.Millisecond)
	defer poll.Stop()
	var last error
	for {
		look, cancel := context.WithTimeout(ctx, attempt)
		err := check(look)
		cancel()
		if err == nil {
			return nil
		}
		if last == nil || ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return last
		case <-poll.C:
		}
	}
}
