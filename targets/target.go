// Package targets is the contract between Waybill and a message broker: how it is provisioned, started, spoken to and inspected.
//
// One folder below it is one broker; targets/all alone imports those folders. The package decides nothing about verdicts:
// a target classifies what its client library says (acked, rejected only when certain, unknown) and reports positions.
package targets

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"time"

	"waybill/harness/history"
	"waybill/harness/lab"
	"waybill/harness/semantics"
)

// Target is one broker product that can be started, spoken to and inspected.
type Target interface {
	Describe() Description
	// Provision fetches what is needed, outside the lab. It is idempotent; cache is a folder that outlives runs.
	Provision(ctx context.Context, cache string) (Distribution, error)
	// Start brings the brokers up on hosts and waits until they form a cluster.
	Start(ctx context.Context, s Start) (Cluster, error)
	// Client is how a worker, in a process of its own on a client host, speaks to the cluster.
	Client(c ClientConfig) (Client, error)
}

// Description is what a target says of itself without being started.
type Description struct {
	Name     string // "nats"
	Title    string // "NATS JetStream"
	Version  string
	Modes    []semantics.Mode
	Settings map[string]string // timeouts that matter, with their difference from the defaults: "ack wait": "2s (default 30s)"
	Timing   Timing
}

// Timing says how long the product takes to notice and to mend; faults last at least twice Detection.
type Timing struct {
	Detection  time.Duration // of a dead or unreachable node, by its peers
	Redelivery time.Duration // of a delivery that is never acknowledged
	Election   time.Duration // of a new leader, at most, usually
}

// Distribution is what Provision found or fetched.
type Distribution struct {
	Dir     string
	Version string
}

// Start says where brokers are to run. Host i has the name Hosts[i].Name() and the address Hosts[i].Addr().
type Start struct {
	Distribution Distribution
	Profile      string
	Hosts        []*lab.Host
	Log          func(format string, args ...any) // progress, a line at a time
}

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
	// StartNode starts the broker process on its host again, after the host was killed and restarted.
	StartNode(ctx context.Context, node string) error
	Close() error
}

// Queue is where one lane's messages go.
type Queue struct {
	Name string
	Mode string
}

// LeaderFinder is implemented by a Cluster whose queues have leaders. of is "queue", "consumer" or "controller".
type LeaderFinder interface {
	Leader(ctx context.Context, queue, of string) (node string, epoch uint64, err error)
	// MoveLeader asks that node lead, and waits until it does.
	MoveLeader(ctx context.Context, queue, of, node string) error
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

// ClientConfig is what a worker needs to speak to the cluster. It travels as JSON.
type ClientConfig struct {
	Name    string        `json:"name"` // of this client, as the broker shows it
	Nodes   []Node        `json:"nodes"`
	Queue   Queue         `json:"queue"`
	Member  int           `json:"member"` // index in the consumer group, or of the producer: spreads first connections over nodes
	Batch   int           `json:"batch"`  // most deliveries that one Receive returns
	Confirm time.Duration `json:"confirm"`

	// Connected is told of connections opened (why "") and lost, from any goroutine.
	Connected func(open bool, addr, why string) `json:"-"`
}

// Client opens the roles that a worker can play.
type Client interface {
	Producer(ctx context.Context) (Producer, error)
	Consumer(ctx context.Context) (Consumer, error)
	Inspector(ctx context.Context) (Inspector, error)
}

// Message is one copy to publish.
type Message struct {
	Token   string
	Attempt uint32
	Key     uint32
	Payload []byte
}

// Outcome is how an attempt ended, as classified by the target.
type Outcome struct {
	Status history.Status // Acked, Rejected (only when certain) or Unknown
	Reason history.Reason
	Origin history.Origin
	Flags  history.Flags // Duplicate, Returned
	Pos    history.Position
}

// Producer publishes, pipelined. Send hands over and returns; done is called exactly once for each attempt, from any goroutine, within
// about ClientConfig.Confirm. A Producer never retries by itself: a retry is another Send with a higher attempt.
type Producer interface {
	Send(ctx context.Context, m Message, done func(Outcome))
	Flush(ctx context.Context) error // until every attempt so far has its outcome
	Close() error
}

// Delivery is one copy received.
type Delivery struct {
	Token       string
	Attempt     uint32
	Key         uint32
	Payload     []byte
	Pos         history.Position
	Tag         uint64
	Count       uint64 // 1: first
	Redelivered bool
	BrokerTime  int64 // microseconds since the Unix epoch; 0 unknown
	Native      any   // the client library's own, for Ack
}

// Consumer is one member of the lane's consumer group. Receive returns at most a batch, and nil, nil when nothing came within about a second.
// Errors that a reconnection mends are not returned as errors. Ack acknowledges and calls done for each delivery, in any order, from any
// goroutine, before it returns: Confirmed, Failed, Unknown or Unconfirmable.
type Consumer interface {
	Receive(ctx context.Context) ([]Delivery, error)
	Ack(ctx context.Context, ds []Delivery, done func(i int, s history.Status, r history.Reason)) error
	Close() error
}

// Pinner is implemented by a Producer or Consumer that can be kept on one node: it reconnects there now and stays. "" lets it free.
type Pinner interface {
	Pin(ctx context.Context, node string) error
}

// Inspector reads what a queue holds, without consuming.
type Inspector interface {
	// Depth asks those who lead the queue and the consumer group.
	Depth(ctx context.Context) (Depth, error)
	// Scan reads the whole queue once from each of at least replicas distinct replicas, to the end that they hold.
	// The error is returned when fewer could be read, after what could be.
	Scan(ctx context.Context, replicas int, v ScanVisitor) error
	Close() error
}

// ScanVisitor is told what a scan sees, in order.
type ScanVisitor interface {
	Begin(replica string, from, to history.Position)
	Copy(c Copy)
	End(replica string, copies int64, err error)
}

// Copy is a visible copy of a message in a queue.
type Copy struct {
	Token   string
	Attempt uint32
	Key     uint32
	Payload []byte
	Pos     history.Position
}

// Depth is what is left to deliver.
type Depth struct {
	Ready   int64 // stored, not delivered to the group
	Unacked int64 // delivered, not acknowledged
	Last    int64 // the highest offset in the queue
	Settled bool  // this target can prove that nothing is left, and it is so: both zero, said by the leader itself
	From    string
}

var registered = map[string]Target{}

// Register adds a target. It panics on a name registered twice. Call it from init.
func Register(t Target) {
	n := t.Describe().Name
	if _, twice := registered[n]; twice {
		panic(fmt.Sprintf("targets: %q is registered twice", n))
	}
	registered[n] = t
}

// Find returns the target called name.
func Find(name string) (Target, bool) { t, ok := registered[name]; return t, ok }

// Names lists the targets of this binary in order.
func Names() []string {
	var names []string
	for n := range registered {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}
