package kafka

import (
	"context"
	"fmt"

	"waybill/targets"
)

// client opens roles, each with connections of its own: a pinned producer does not take the consumer along.
type client struct {
	config targets.ClientConfig
	mode   mode
	names  names
}

func newClient(c targets.ClientConfig) (*client, error) {
	m, ok := modeOf(c.Queue.Mode)
	if !ok {
		return nil, fmt.Errorf("kafka: no mode %q: want one of %q", c.Queue.Mode, modeNames())
	}
	if c.Batch <= 0 {
		return nil, fmt.Errorf("kafka: batch of %d: want at least 1", c.Batch)
	}
	if c.Confirm <= 0 {
		return nil, fmt.Errorf("kafka: confirm timeout of %v: want more than 0", c.Confirm)
	}
	return &client{config: c, mode: m, names: namesOf(c.Queue.Name)}, nil
}

func (c *client) link() (*link, error) {
	return newLink(linkOptions{
		name: c.config.Name, nodes: c.config.Nodes, first: c.config.Member, access: c.config.Access, connected: c.config.Connected, wrap: c.config.Wrap,
	})
}

// Producer implements targets.Client. It returns before a connection is made.
func (c *client) Producer(context.Context) (targets.Producer, error) {
	l, err := c.link()
	if err != nil {
		return nil, err
	}
	return newProducer(l, c.names, c.mode, c.config)
}

// Consumer implements targets.Client. It joins the queue's group, and creates nothing but that.
func (c *client) Consumer(context.Context) (targets.Consumer, error) {
	l, err := c.link()
	if err != nil {
		return nil, err
	}
	if c.mode.Traits.Transactional {
		return newTransactor(l, c.names, c.config)
	}
	return newConsumer(l, c.names, c.mode, c.config)
}

// Inspector implements targets.Client.
func (c *client) Inspector(context.Context) (targets.Inspector, error) {
	l, err := c.link()
	if err != nil {
		return nil, err
	}
	i, err := newInspector(l, c.names, c.config.Nodes)
	if err != nil {
		return nil, err
	}
	if c.mode.Traits.Transactional {
		return &outputInspector{i}, nil
	}
	return i, nil
}

// listener is whom a consumer tells of its place in the group.
type listener struct {
	assigned func(partition uint32, from int64)
	revoked  func(partition uint32)
	reset    func(partition uint32, from, to int64, why string)
	sought   func(partition uint32, from, to int64, why string)
}

// listenerOf has nothing to be nil.
func listenerOf(c targets.ClientConfig) listener {
	l := listener{assigned: c.Assigned, revoked: c.Revoked, reset: c.Reset, sought: c.Sought}
	if l.assigned == nil {
		l.assigned = func(uint32, int64) {}
	}
	if l.revoked == nil {
		l.revoked = func(uint32) {}
	}
	if l.reset == nil {
		l.reset = func(uint32, int64, int64, string) {}
	}
	if l.sought == nil {
		l.sought = func(uint32, int64, int64, string) {}
	}
	return l
}
