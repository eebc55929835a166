package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"waybill/targets"
)

// metaGroup is the Raft group of the cluster itself, in the system account.
const metaGroup = "_meta_"

// raft is what a node says of its part in a Raft group.
type raft struct {
	State string `json:"state"`
	Term  uint64 `json:"term"`
}

// Leaders implements targets.LeaderFinder: a queue here is one partition.
func (c *cluster) Leaders(ctx context.Context, queue, of string) ([]targets.Leadership, error) {
	node, term, err := c.leader(ctx, queue, of)
	if err != nil {
		return nil, err
	}
	return []targets.Leadership{{Node: node, Epoch: term}}, nil
}

// leader finds who leads one Raft group. Every node is asked for its part in the Raft group, and among those that
// believe they lead, the one with the highest term does: an old leader that is cut off goes on believing for seconds.
// The epoch is the Raft term. targets.ErrNoLeader is wrapped when no node that answers leads.
func (c *cluster) leader(ctx context.Context, queue, of string) (string, uint64, error) {
	group, owner, err := c.group(ctx, queue, of)
	if err != nil {
		return "", 0, err
	}
	parts := make([]raft, len(c.nodes))
	asked := c.each(func(i int, n *node) error {
		var groups map[string]map[string]raft
		if err := n.monitor(ctx, monitorRaft, map[string]any{"account": owner, "group": group}, &groups); err != nil {
			return err
		}
		for _, a := range groups {
			if r, ok := a[group]; ok {
				parts[i] = r
			}
		}
		return nil
	})
	leader, term := "", uint64(0)
	for i, n := range c.nodes {
		if parts[i].State == server.Leader.String() && parts[i].Term >= term {
			leader, term = n.Name, parts[i].Term
		}
	}
	if leader == "" {
		return "", 0, fmt.Errorf("nats: %s of %q: %w: %w", of, queue, targets.ErrNoLeader, noneNil(asked))
	}
	return leader, term, nil
}

var errAllAnswered = errors.New("every node answered")

// noneNil is an error that can be wrapped even when nothing failed.
func noneNil(err error) error {
	if err == nil {
		return errAllAnswered
	}
	return err
}

// group finds the name of a Raft group, which any replica knows, and the account it belongs to.
func (c *cluster) group(ctx context.Context, queue, of string) (group, owner string, err error) {
	if of == targets.OfController {
		return metaGroup, "", nil // the default filter is the system account
	}
	name := namesOf(queue).stream
	if of != targets.OfQueue && of != targets.OfConsumer {
		return "", "", fmt.Errorf("nats: leader of %q: want %q, %q or %q", of, targets.OfQueue, targets.OfConsumer, targets.OfController)
	}
	if !c.isStream(name) {
		return "", "", fmt.Errorf("nats: queue %q has no leader", queue)
	}
	found := make([]string, len(c.nodes))
	err = c.each(func(i int, n *node) error {
		var js server.JSInfo
		if err := n.monitor(ctx, monitorStream, map[string]any{"accounts": true, "streams": true, "consumer": true, "raft": true}, &js); err != nil {
			return err
		}
		s := streamIn(js, name)
		if s == nil {
			return fmt.Errorf("nats: %s holds no replica of %s", n.Name, name)
		}
		found[i] = s.RaftGroup
		if of == targets.OfConsumer {
			found[i] = ""
			for _, g := range s.ConsumerRaftGroups {
				if g.Name == name {
					found[i] = g.RaftGroup
				}
			}
		}
		return nil
	})
	for _, g := range found {
		if g != "" {
			return g, account, nil
		}
	}
	return "", "", fmt.Errorf("nats: %s of %q has no Raft group that a node knows: %w", of, queue, noneNil(err))
}

// MoveLeader implements targets.LeaderFinder: the leader is asked to step down in favour of node, again until it leads.
// The Raft group hands over at once when node is caught up and elects whom it likes otherwise.
func (c *cluster) MoveLeader(ctx context.Context, queue, of, node string) error {
	if _, err := c.node(node); err != nil {
		return err
	}
	var last error
	for {
		leader, _, err := c.leader(ctx, queue, of)
		switch {
		case err != nil:
			last = err
		case leader == node:
			return nil
		default:
			last = c.stepDown(ctx, leader, queue, of, node)
		}
		if targets.Pause(ctx, 200*time.Millisecond) != nil {
			return fmt.Errorf("nats: move %s of %q to %s: %w: last: %w", of, queue, node, ctx.Err(), noneNil(last))
		}
	}
}

func (c *cluster) stepDown(ctx context.Context, leader, queue, of, node string) error {
	l, err := c.node(leader)
	if err != nil {
		return err
	}
	s := namesOf(queue).stream
	link, subject := l.app, strings.Join([]string{"$JS.API.STREAM.LEADER.STEPDOWN", s}, ".")
	switch of {
	case targets.OfConsumer:
		subject = strings.Join([]string{"$JS.API.CONSUMER.LEADER.STEPDOWN", s, s}, ".")
	case targets.OfController:
		link, subject = l.sys, "$JS.API.META.LEADER.STEPDOWN"
	}
	body, err := json.Marshal(server.JSApiLeaderStepdownRequest{Placement: &server.Placement{Preferred: node}})
	if err != nil {
		return fmt.Errorf("nats: stepdown request: %w", err)
	}
	m, err := request(ctx, link, subject, body)
	if err != nil {
		return err
	}
	var answer server.ApiResponse
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return fmt.Errorf("nats: answer to %s: %w", subject, err)
	}
	if answer.Error != nil {
		return fmt.Errorf("nats: %s: %w", subject, answer.Error)
	}
	return nil
}
