// Package targets is the contract between Waybill and a message broker: how it is provisioned, started, spoken to and inspected.
//
// One folder below it is one broker; targets/all alone imports those folders. The package decides nothing about verdicts:
// a target classifies what its client library says (acked, rejected only when certain, unknown) and reports positions.
package targets

import (
	"context"
	"time"

	"waybill/harness/lab"
	"waybill/harness/semantics"
)

// Target is one broker product that can be started, spoken to and inspected.
type Target interface {
	// Describe says what the product is in a version ("" is the one that Provision gets by default), without starting it.
	Describe(version string) Description
	// Provision fetches what is needed, outside the lab. It is idempotent, and goes on where an earlier call was interrupted.
	// What p asks for and cannot be run is refused with ErrUnsupported: nothing that was asked for is ignored.
	Provision(ctx context.Context, p Provisioning) (Distribution, error)
	// Start brings the brokers up on hosts and waits until they form a cluster.
	Start(ctx context.Context, s Start) (Cluster, error)
	// Client is how a worker, in a process of its own on a client host, speaks to the cluster.
	Client(c ClientConfig) (Client, error)
}

// Connector is implemented by a Target that can use a cluster which somebody else runs. Its clients then get the same Access.
type Connector interface {
	Connect(ctx context.Context, a Access) (Cluster, error)
	// Addresses is where the repository's docker-compose.yml publishes this product's nodes: the default of Access.Brokers.
	Addresses() []string
}

// Description is what a target says of itself without being started.
type Description struct {
	Name     string // "nats"
	Title    string // "NATS JetStream"
	Version  string
	Profiles []Profile         // the first is the default
	Modes    []semantics.Mode  // a mode of several profiles is listed once for each
	Settings map[string]string // timeouts that matter, with their difference from the defaults: "ack wait": "2s (default 30s)"
	Timing   Timing
	Leaders  []string // what its LeaderFinder finds: some of OfQueue, OfConsumer, OfController
	Protocol string   // that its clients speak, as package frames knows it: "nats", "kafka", "amqp"
	Data     string   // folder below a broker host's own where the broker keeps all that must survive it
	Memory   uint64   // bytes that the brokers of one lab take together, about
}

// Profile is a setting of the brokers under which modes are run together.
type Profile struct {
	Name    string
	Summary string
	Extra   []string // hosts beside the brokers, by name: a controller's
}

// Timing says how long the product takes to notice and to mend; faults last at least twice Detection.
type Timing struct {
	Detection   time.Duration // of a dead or unreachable node, by its peers
	Redelivery  time.Duration // of a delivery that is never acknowledged
	Election    time.Duration // of a new leader, at most, usually
	Answer      time.Duration // which a client library waits beyond what a publish may take, before it gives up the connection; 0: it does not
	Transaction time.Duration // after which a processor has given up on the end of a transaction; 0: there are none
	Hold        time.Duration // for which a queue must be seen empty to be proven so; 0: as long as Redelivery
}

// Provisioning says what is wanted and where it may be kept.
type Provisioning struct {
	Cache   string // a folder that outlives runs, the target's own
	Version string // "" is the default
	Dist    string // an unpacked distribution of the user's own, used as it is; "" to find or fetch one
	Log     func(format string, args ...any)
}

// Distribution is what Provision found or fetched. It travels as JSON.
type Distribution struct {
	Dir     string
	Version string
	// Overlay is laid over folders of the lab's file system, read only: "/usr/lib" → a folder whose content is added to it.
	Overlay map[string]string
	// Facts go into the manifest: "java": "17.0.15".
	Facts map[string]string
}

// Start says where brokers are to run. Host i has the name Hosts[i].Name() and the address Hosts[i].Addr().
type Start struct {
	Distribution Distribution
	Profile      string
	Hosts        []*lab.Host
	Extra        []*lab.Host                      // one for each name of the profile's Extra
	Log          func(format string, args ...any) // progress, a line at a time

	Plants []Planted // bugs to start with: only ever of a Planter
	Seed   uint64    // which messages they harm follows it
}

// Access is how a cluster that somebody else runs is reached. It holds secrets: it is never written to a run directory.
type Access struct {
	Brokers   []string `json:"brokers"` // host:port
	TLS       bool     `json:"tls"`
	CA        string   `json:"ca"` // PEM file; "" trusts what the machine trusts
	Cert      string   `json:"cert"`
	Key       string   `json:"key"`
	Mechanism string   `json:"mechanism"` // of SASL: "plain", "scram-sha-256", "scram-sha-512", "external" (by certificate); "" is the product's usual one
	User      string   `json:"user"`
	Password  string   `json:"password"`
}
