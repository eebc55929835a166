package planted

import (
	"context"
	"fmt"
	"slices"

	"waybill/harness/history"
	"waybill/harness/semantics"
	"waybill/targets"
)

// client opens roles, each with a connection of its own.
type client struct {
	config targets.ClientConfig
}

func newClient(c targets.ClientConfig) (*client, error) {
	if !slices.ContainsFunc(modes(), func(m semantics.Mode) bool { return m.Name == c.Queue.Mode }) {
		return nil, fmt.Errorf("planted: no mode %q: see waybill list modes planted", c.Queue.Mode)
	}
	if c.Batch <= 0 || c.Confirm <= 0 || len(c.Nodes) == 0 {
		return nil, fmt.Errorf("planted: batch %d, confirm %v and %d nodes: want all of them more than 0", c.Batch, c.Confirm, len(c.Nodes))
	}
	return &client{config: c}, nil
}

func (c *client) link() *link {
	return openLink(addresses(c.config.Nodes), linkOptions{first: c.config.Member, wrap: c.config.Wrap, connected: c.config.Connected})
}

// Producer implements targets.Client.
func (c *client) Producer(context.Context) (targets.Producer, error) {
	return newProducer(c.link(), c.config), nil
}

// Consumer implements targets.Client.
func (c *client) Consumer(context.Context) (targets.Consumer, error) {
	r := &consumer{link: c.link(), config: c.config}
	if c.config.Queue.Mode == modeTransactions {
		return &processor{r}, nil
	}
	return r, nil
}

// Inspector implements targets.Client.
func (c *client) Inspector(context.Context) (targets.Inspector, error) {
	return newInspector(c), nil
}

// toRecord is a message as it is sent. A token that is none of the harness's has no number, and is never recognised.
func toRecord(m targets.Message) record {
	r := record{attempt: m.Attempt, key: m.Key, token: m.Token, payload: m.Payload}
	if _, id, _, err := history.ParseToken(m.Token); err == nil {
		r.life, r.seq = uint32(id.Life), id.Seq
	}
	return r
}
