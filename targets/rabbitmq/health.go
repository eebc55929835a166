package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// nodeHealth is what a node says of itself.
type nodeHealth struct {
	Version    string   `json:"version"`
	Serving    bool     `json:"serving"`
	Booting    bool     `json:"booting"`    // on its way to serve, which takes long where the machine is busy or much is to be recovered
	Running    []string `json:"running"`    // nodes that it believes run
	Partitions []string `json:"partitions"` // nodes that it was cut off from, and that it has not rejoined since
	Unsure     bool     `json:"unsure"`     // whether it was: the node is busy finding out
	Alarms     []string `json:"alarms"`
}

// queueView is what a node knows of a queue.
type queueView struct {
	Kind   string `json:"kind"`   // "classic" or "quorum"
	Leader string `json:"leader"` // node

	// Of a quorum queue: its members, and how far the member on the asked node is.
	Members []string `json:"members"`
	member

	// Of a classic queue.
	Process      string   `json:"process"`
	Alive        bool     `json:"alive"`
	Mirrors      []string `json:"mirrors"`
	Synchronised []string `json:"synchronised"`
}

// member is how far one member of a quorum queue is.
type member struct {
	Role    string `json:"role"` // Raft's: leader, follower, candidate, ...
	Term    uint64 `json:"term"`
	Last    uint64 `json:"last"`    // index of its log
	Applied uint64 `json:"applied"` // to its state
}

// Healthy implements targets.Cluster. Every node is asked about itself: whether it serves, whom it believes to run, whether
// it knows of a partition or an alarm, and who it believes leads each queue; a quorum queue wants a majority of members that
// take part, a mirrored one a leader that all agree on, a classic one its process.
func (c *cluster) Healthy(ctx context.Context) error { return c.healthy(ctx, nil) }

// InSync implements targets.Syncer: Healthy, every member of a quorum queue has applied what its leader had applied before the
// members were asked, and every mirror is synchronised. Under load a member is never where its leader is at the same instant.
func (c *cluster) InSync(ctx context.Context) error {
	marks := map[string]uint64{}
	for q, k := range c.known() {
		if k != quorum {
			marks[q] = 0
			continue
		}
		views, err := c.views(ctx, q)
		if err != nil {
			return err
		}
		marks[q] = leaderApplied(views)
	}
	return c.healthy(ctx, marks)
}

// leaderApplied is how far the member that leads is; 0 if none says that it does.
func leaderApplied(views []queueView) uint64 {
	var applied uint64
	for _, v := range views {
		if v.Role == "leader" {
			applied = max(applied, v.Applied)
		}
	}
	return applied
}

// healthy looks at nodes and queues. marks is how far each queue's members must be, and asks for all of them; nil asks for a majority.
func (c *cluster) healthy(ctx context.Context, marks map[string]uint64) error {
	if err := c.nodesWell(ctx); err != nil {
		return err
	}
	errs := []error{}
	for q, k := range c.known() {
		views, err := c.views(ctx, q)
		if err == nil {
			mark, all := marks[q]
			err = checkQueue(q, k, views, c.erlangNodes(), mark, all)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// nodesWell asks every node about itself.
func (c *cluster) nodesWell(ctx context.Context) error {
	return c.each(func(_ int, n *node) error {
		var h nodeHealth
		if err := c.ask(ctx, n, &h, "health"); err != nil {
			return err
		}
		if err := h.check(n.Name, c.erlangNodes()); err != nil {
			return err
		}
		return listens(ctx, n)
	})
}

func (h nodeHealth) check(name string, nodes []string) error {
	switch {
	case !h.Serving:
		return fmt.Errorf("rabbitmq: %s does not serve yet", name)
	case len(h.Partitions) > 0:
		return fmt.Errorf("rabbitmq: %s says it was partitioned from %v", name, h.Partitions)
	case len(h.Alarms) > 0:
		return fmt.Errorf("rabbitmq: %s has alarms %v", name, h.Alarms)
	}
	for _, n := range nodes {
		if !slices.Contains(h.Running, n) {
			return fmt.Errorf("rabbitmq: %s does not see %s run: it sees %v", name, n, h.Running)
		}
	}
	if h.Unsure {
		return fmt.Errorf("rabbitmq: %s does not know yet whether it was partitioned", name)
	}
	return nil
}

// erlangNodes are the names of all nodes in Erlang's distribution.
func (c *cluster) erlangNodes() []string {
	var names []string
	for _, m := range c.machines() {
		names = append(names, erlangNode(m.addr.String()))
	}
	return names
}

// known are the queues made so far.
func (c *cluster) known() map[string]kind {
	c.mu.Lock()
	defer c.mu.Unlock()
	qs := make(map[string]kind, len(c.queues))
	for q, k := range c.queues {
		qs[q] = k
	}
	return qs
}

// views is what each node knows of a queue, in order.
func (c *cluster) views(ctx context.Context, queue string) ([]queueView, error) {
	views := make([]queueView, len(c.nodes))
	err := c.each(func(i int, n *node) error { return c.ask(ctx, n, &views[i], "queue", namesOf(queue).queue) })
	return views, err
}

// checkQueue looks at one queue as all nodes see it: views[i] is that of nodes[i]. With all, every replica must take part, and every
// member of a quorum queue have applied mark.
func checkQueue(queue string, k kind, views []queueView, nodes []string, mark uint64, all bool) error {
	for i, v := range views {
		switch {
		case v.Leader != views[0].Leader:
			return fmt.Errorf("rabbitmq: queue %s is led by %s, but %s says %s", queue, views[0].Leader, nodes[i], v.Leader)
		case !slices.Contains(nodes, v.Leader):
			return fmt.Errorf("rabbitmq: queue %s has no leader: %s says %q", queue, nodes[i], v.Leader)
		}
	}
	switch k {
	case quorum:
		return checkQuorum(queue, views, nodes, mark, all)
	case mirrored:
		if v := views[0]; !v.Alive {
			return fmt.Errorf("rabbitmq: the leader of queue %s on %s does not run", queue, v.Leader)
		} else if all && len(v.Synchronised) < len(nodes)-1 {
			return fmt.Errorf("rabbitmq: queue %s has %d synchronised mirrors, want %d", queue, len(v.Synchronised), len(nodes)-1)
		}
		return nil
	default:
		if v := views[0]; !v.Alive {
			return fmt.Errorf("rabbitmq: queue %s on %s does not run", queue, v.Leader)
		}
		return nil
	}
}

func checkQuorum(queue string, views []queueView, nodes []string, mark uint64, all bool) error {
	leader := slices.IndexFunc(views, func(v queueView) bool { return v.Role == "leader" })
	if leader < 0 || nodes[leader] != views[0].Leader {
		return fmt.Errorf("rabbitmq: queue %s: no node says that it leads as %s, of which the others say so", queue, views[0].Leader)
	}
	taking, behind := 0, 0
	for i, v := range views {
		if !slices.Contains(v.Members, nodes[i]) {
			continue
		}
		if v.Term == views[leader].Term && (v.Role == "leader" || v.Role == "follower") {
			taking++
		}
		if v.Applied < mark {
			behind++
		}
	}
	members := len(views[leader].Members)
	switch {
	case members < replicas:
		return fmt.Errorf("rabbitmq: queue %s has %d members, want %d", queue, members, replicas)
	case taking <= members/2:
		return fmt.Errorf("rabbitmq: queue %s: %d of %d members take part in term %d", queue, taking, members, views[leader].Term)
	case all && (taking < members || behind > 0):
		return fmt.Errorf("rabbitmq: queue %s: of %d members %d take part, %d are behind", queue, members, taking, behind)
	}
	return nil
}
