package nats

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats-server/v2/server"
)

// view is what one node says of itself and of the others.
type view struct {
	routes server.Routez
	js     server.JSInfo
}

// Healthy implements targets.Cluster. Every node is asked about itself: whether it has routes to all others, who it
// believes leads the cluster, each stream and each consumer, and whether those leaders see a majority caught up: then
// the cluster serves. A former leader that was cut off may lag behind for a minute longer, which InSync tells: where its log
// has entries that were never committed, nats-server 2.15.2 catches it up only when the new leader next takes a snapshot.
func (c *cluster) Healthy(ctx context.Context) error { return c.healthy(ctx, replicas/2) }

// InSync implements targets.Syncer: Healthy, and every replica caught up.
func (c *cluster) InSync(ctx context.Context) error { return c.healthy(ctx, replicas-1) }

// healthy wants each leader to see at least followers replicas online and caught up.
func (c *cluster) healthy(ctx context.Context, followers int) error {
	views, err := c.views(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for i, n := range c.nodes {
		errs = append(errs, c.routed(n, views[i].routes))
	}
	errs = append(errs, c.metaHealthy(views, followers))
	for _, q := range c.streams() {
		errs = append(errs, c.streamHealthy(q, views, followers))
	}
	return errors.Join(errs...)
}

func (c *cluster) views(ctx context.Context) ([]view, error) {
	views := make([]view, len(c.nodes))
	err := c.each(func(i int, n *node) error {
		if err := n.monitor(ctx, monitorRoutes, nil, &views[i].routes); err != nil {
			return err
		}
		return n.monitor(ctx, monitorStream, map[string]any{"accounts": true, "streams": true, "consumer": true}, &views[i].js)
	})
	return views, err
}

func (c *cluster) routed(n *node, r server.Routez) error {
	to := map[string]bool{n.Name: true}
	for _, route := range r.Routes {
		to[route.RemoteName] = true
	}
	for _, o := range c.nodes {
		if !to[o.Name] {
			return fmt.Errorf("nats: %s has no route to %s", n.Name, o.Name)
		}
	}
	return nil
}

func (c *cluster) metaHealthy(views []view, followers int) error {
	leader := ""
	for i, n := range c.nodes {
		m := views[i].js.Meta
		switch {
		case m == nil || m.Leader == "":
			return fmt.Errorf("nats: %s knows no leader of the cluster", n.Name)
		case leader != "" && m.Leader != leader:
			return fmt.Errorf("nats: the cluster's leader is %s, but %s says %s", leader, n.Name, m.Leader)
		case m.Size != len(c.nodes):
			return fmt.Errorf("nats: %s sees a cluster of %d, want %d", n.Name, m.Size, len(c.nodes))
		}
		if leader = m.Leader; leader == n.Name {
			if err := inSync("the cluster", m.Replicas, followers); err != nil {
				return err
			}
		}
	}
	return nil
}

// streamHealthy looks at a stream and its consumer from every node that should hold a replica.
func (c *cluster) streamHealthy(q string, views []view, followers int) error {
	var streams, consumers []*server.ClusterInfo
	for i, n := range c.nodes {
		s := streamIn(views[i].js, q)
		switch {
		case s == nil:
			return fmt.Errorf("nats: %s holds no replica of stream %s", n.Name, q)
		case len(s.Consumer) == 0:
			return fmt.Errorf("nats: %s holds no replica of %s's consumer", n.Name, q)
		}
		streams = append(streams, s.Cluster)
		for _, o := range s.Consumer {
			if o.Name == q {
				consumers = append(consumers, o.Cluster)
			}
		}
	}
	return errors.Join(c.agreed("stream "+q, streams, followers), c.agreed("consumer "+q, consumers, followers))
}

// agreed wants one leader, known to all, which sees its replicas in sync.
func (c *cluster) agreed(what string, infos []*server.ClusterInfo, followers int) error {
	if len(infos) != len(c.nodes) {
		return fmt.Errorf("nats: %s has %d replicas, want %d", what, len(infos), len(c.nodes))
	}
	for i, n := range c.nodes {
		switch {
		case infos[i] == nil || infos[i].Leader == "":
			return fmt.Errorf("nats: %s knows no leader of %s", n.Name, what)
		case infos[i].Leader != infos[0].Leader:
			return fmt.Errorf("nats: leader of %s: %s says %s, %s says %s", what, c.nodes[0].Name, infos[0].Leader, n.Name, infos[i].Leader)
		}
		if infos[i].Leader == n.Name {
			if err := inSync(what, infos[i].Replicas, followers); err != nil {
				return err
			}
		}
	}
	return nil
}

// inSync wants the other replicas as their leader sees them: all there, and at least want of them online and current.
func inSync(what string, peers []*server.PeerInfo, want int) error {
	if len(peers) != replicas-1 {
		return fmt.Errorf("nats: the leader of %s sees %d other replicas, want %d", what, len(peers), replicas-1)
	}
	var behind []error
	for _, p := range peers {
		if p.Offline || !p.Current || p.Pending {
			behind = append(behind, fmt.Errorf("nats: replica of %s on %s: offline %v, current %v, %d behind", what, p.Name, p.Offline, p.Current, p.Lag))
		}
	}
	if len(peers)-len(behind) < want {
		return errors.Join(behind...)
	}
	return nil
}

func streamIn(js server.JSInfo, name string) *server.StreamDetail {
	for _, a := range js.AccountDetails {
		for i := range a.Streams {
			if a.Streams[i].Name == name {
				return &a.Streams[i]
			}
		}
	}
	return nil
}
