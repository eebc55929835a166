package targets

import (
	"context"
	"errors"
)

// Node is one broker process.
type Node struct {
	Name string // of the lab host it runs on
	Addr string // host:port for clients
}

// Cluster is a started set of brokers, seen by the harness.
type Cluster interface {
	Nodes() []Node
	// CreateQueue makes the queue of one mode, empty, and waits until it is usable.
	CreateQueue(ctx context.Context, q Queue) error
	// Healthy returns nil when the cluster serves: all nodes up and in contact, and every queue made so far led by a node that all agree on,
	// with a majority of its replicas in sync.
	Healthy(ctx context.Context) error
	// StartNode starts the broker process, or what runs on a host of the profile's Extra, again, after the host was killed and restarted.
	StartNode(ctx context.Context, node string) error
	Close() error
}

// Queue is where one lane's messages go.
type Queue struct {
	Name string
	Mode string
}

// What can lead.
const (
	OfQueue      = "queue"
	OfConsumer   = "consumer"   // of a group or durable consumer
	OfController = "controller" // of the cluster itself
)

// LeaderFinder is implemented by a Cluster whose queues have leaders. of is one of Description.Leaders; queue is ignored for
// OfController, whose node may be a host of the profile's Extra.
type LeaderFinder interface {
	// Leaders names who leads: one for each partition, in order. ErrNoLeader when a partition has none that can be reached.
	Leaders(ctx context.Context, queue, of string) ([]Leadership, error)
	// MoveLeader asks that node lead all partitions, and waits until it does. It is asked of modes whose Traits say Leader: a queue
	// without failover stays where Leaders says it is.
	MoveLeader(ctx context.Context, queue, of, node string) error
}

// Leadership is who leads one partition.
type Leadership struct {
	Partition uint32
	Node      string
	Epoch     uint64 // or term; grows with every new leader
}

// Mender is implemented by a Cluster that does not come back by itself from all that a fault can do, though every node is up and
// every link whole: partitions that the product leaves alone, for example.
type Mender interface {
	// Mend does what an operator would after the heal. It is idempotent, and does nothing to a cluster that is well.
	Mend(ctx context.Context) error
}

// QueueDeleter is implemented by a Cluster from which a run's queues can be removed: what somebody else runs is left as it was.
type QueueDeleter interface {
	DeleteQueue(ctx context.Context, q Queue) error
}

// Syncer is implemented by a Cluster whose replicas may still be catching up while it serves.
type Syncer interface {
	// InSync returns nil when it is Healthy and every replica of every queue has caught up.
	InSync(ctx context.Context) error
}

// ConfigReporter is implemented by a Cluster that can read back a node's effective configuration.
type ConfigReporter interface {
	// Config is text for people: what the broker itself reports, and where that differs from the product's defaults.
	Config(ctx context.Context, node string) (string, error)
}

// PolicyReader is implemented by a Cluster whose queues could discard messages by policy.
type PolicyReader interface {
	// Policies reads retention, limits and windows of a queue back from the broker, not from what was asked for.
	Policies(ctx context.Context, queue string) ([]Policy, error)
}

// Policy is one setting under which a broker may discard or refuse messages, as the broker reports it.
type Policy struct {
	Name  string // "retention"
	Value string // "limits"
}

// ErrNoScan is returned by an Inspector whose queue cannot be read without consuming: its store is not observable.
var ErrNoScan = errors.New("targets: this queue cannot be read without consuming")

// ErrNoLeader is returned by a LeaderFinder when nobody reachable leads.
var ErrNoLeader = errors.New("targets: no leader")

// ErrNotMovable is returned by MoveLeader for what leads where the product itself decides: nobody can move a "controller" of some.
var ErrNotMovable = errors.New("targets: this leader cannot be moved")

// ErrMissing is returned by Provision, wrapped, when something must be installed on this machine first. The error says what, and how.
var ErrMissing = errors.New("targets: something must be installed on this machine first")

// ErrUnsupported is returned, wrapped, when a version or a distribution is asked for that a target cannot run. The error says which
// would do.
var ErrUnsupported = errors.New("not supported")

// ErrExternal is returned where only the harness's own brokers could do what is asked.
var ErrExternal = errors.New("targets: this cluster is run by somebody else")
