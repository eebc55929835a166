package nats

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"waybill/targets"
)

// external implements targets.Cluster for servers that somebody else runs. There is no system account to ask, so its
// health is what the JetStream API says of the run's own queues; who leads, and in which term, is not told.
type external struct{ peers }

// Addresses implements targets.Connector.
func (target) Addresses() []string {
	return []string{"127.0.0.1:4222", "127.0.0.1:4223", "127.0.0.1:4224"}
}

// use takes what a cluster that somebody else runs asks of its clients; nil is a lab, which asks nothing.
func (o *dialOptions) use(a *targets.Access) (err error) {
	if a == nil {
		return nil
	}
	if a.Mechanism != "" {
		return fmt.Errorf("nats: mechanism %q: want none: NATS takes a user and a password as they are", a.Mechanism)
	}
	o.user, o.password = a.User, a.Password
	if o.tls, err = a.TLSConfig(); err != nil {
		return fmt.Errorf("nats: %w", err)
	}
	return nil
}

// Connect implements targets.Connector: every address must answer, and be a server of its own.
func (target) Connect(ctx context.Context, a targets.Access) (_ targets.Cluster, err error) {
	c := &external{peers{log: func(string, ...any) {}, queues: map[string]string{}}}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	o := dialOptions{name: "harness"}
	if err := o.use(&a); err != nil {
		return nil, err
	}
	if len(a.Brokers) == 0 {
		return nil, errors.New("nats: no address to connect to")
	}
	o.atOnce = true
	at := map[string]string{}
	for _, addr := range a.Brokers {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("nats: connect to %s: %w", addr, err)
		}
		n := &node{Node: targets.Node{Name: addr, Addr: addr}}
		if n.app, err = open([]targets.Node{n.Node}, o); err != nil {
			return nil, err
		}
		c.nodes = append(c.nodes, n)
		n.Name = n.app.nc.ConnectedServerName()
		if other, twice := at[n.Name]; twice {
			return nil, fmt.Errorf("nats: %s and %s are one server, %s: want its address once", other, addr, n.Name)
		}
		at[n.Name] = addr
	}
	return c, nil
}

// CreateQueue implements targets.Cluster.
func (c *external) CreateQueue(ctx context.Context, q targets.Queue) error {
	return c.makeQueue(ctx, q, func(ctx context.Context) error {
		for {
			err := c.Healthy(ctx)
			if err == nil {
				return nil
			}
			if targets.Pause(ctx, 100*time.Millisecond) != nil {
				return fmt.Errorf("nats: waiting for a healthy cluster: %w: %w", ctx.Err(), err)
			}
		}
	})
}

// Healthy implements targets.Cluster: every node answers, and every queue has leaders that see a majority caught up.
func (c *external) Healthy(ctx context.Context) error { return c.healthy(ctx, replicas/2) }

// InSync implements targets.Syncer: Healthy, and every replica caught up.
func (c *external) InSync(ctx context.Context) error { return c.healthy(ctx, replicas-1) }

func (c *external) healthy(ctx context.Context, followers int) error {
	errs := []error{c.flush(ctx)}
	for _, q := range c.streams() {
		var s server.JSApiStreamInfoResponse
		var o server.JSApiConsumerInfoResponse
		if err := c.api(ctx, "$JS.API.STREAM.INFO."+q, struct{}{}, &s); err != nil {
			errs = append(errs, err)
			continue
		}
		if err := c.api(ctx, "$JS.API.CONSUMER.INFO."+q+"."+q, struct{}{}, &o); err != nil {
			errs = append(errs, err)
			continue
		}
		if s.StreamInfo == nil || o.ConsumerInfo == nil {
			errs = append(errs, fmt.Errorf("nats: the answer about %s says nothing", q))
			continue
		}
		errs = append(errs, led("stream "+q, s.Cluster, followers), led("consumer "+q, o.Cluster, followers))
	}
	return errors.Join(errs...)
}

// led wants a leader that sees its replicas in sync.
func led(what string, c *server.ClusterInfo, followers int) error {
	if c == nil || c.Leader == "" {
		return fmt.Errorf("nats: %s: %w", what, targets.ErrNoLeader)
	}
	return inSync(what, c.Replicas, followers)
}

// Versions implements targets.VersionReporter: what each server said when it was connected to.
func (c *external) Versions(context.Context) (string, map[string]string, error) {
	facts, versions := map[string]string{}, map[string]bool{}
	for _, n := range c.nodes {
		v := n.app.nc.ConnectedServerVersion()
		if v == "" {
			return "", nil, fmt.Errorf("nats: %s: its version is known only while it is connected", n.Addr)
		}
		facts["nats at "+n.Addr], versions[v] = v, true
	}
	if len(versions) > 1 {
		return "", facts, nil
	}
	for v := range versions {
		return v, map[string]string{"nats": v}, nil
	}
	return "", nil, nil
}

// StartNode implements targets.Cluster: it is not ours to start.
func (c *external) StartNode(_ context.Context, name string) error {
	return fmt.Errorf("nats: start %s: %w", name, targets.ErrExternal)
}
