package nats

import (
	"context"
	"fmt"

	"waybill/targets"
)

// client opens roles, each with a connection of its own: a pinned producer does not take the consumer along.
type client struct {
	config targets.ClientConfig
	mode   mode
	names  names
}

func newClient(c targets.ClientConfig) (*client, error) {
	m, ok := modeOf(c.Queue.Mode)
	if !ok {
		return nil, fmt.Errorf("nats: no mode %q: want one of %q", c.Queue.Mode, modeNames())
	}
	if c.Batch <= 0 {
		return nil, fmt.Errorf("nats: batch of %d: want at least 1", c.Batch)
	}
	if c.Confirm <= 0 {
		return nil, fmt.Errorf("nats: confirm timeout of %v: want more than 0", c.Confirm)
	}
	return &client{config: c, mode: m, names: namesOf(c.Queue.Name)}, nil
}

func (c *client) link() (*link, error) {
	o := dialOptions{name: c.config.Name, first: c.config.Member, connected: c.config.Connected, wrap: c.config.Wrap}
	if err := o.use(c.config.Access); err != nil {
		return nil, err
	}
	return open(c.config.Nodes, o)
}

// Producer implements targets.Client. It returns before the connection is made.
func (c *client) Producer(context.Context) (targets.Producer, error) {
	l, err := c.link()
	if err != nil {
		return nil, err
	}
	p, err := newPublisher(l, c.names, c.mode, c.config)
	if err != nil {
		l.close()
		return nil, err
	}
	return p, nil
}

// Consumer implements targets.Client. It joins the queue's group, or its durable consumer, and creates neither.
func (c *client) Consumer(context.Context) (targets.Consumer, error) {
	l, err := c.link()
	if err != nil {
		return nil, err
	}
	var r targets.Consumer
	if c.mode.stream {
		r, err = newPuller(l, c.names, c.mode.confirmsAcks, c.config)
	} else {
		r, err = newListener(l, c.names, c.config)
	}
	if err != nil {
		l.close()
		return nil, err
	}
	return r, nil
}

// Inspector implements targets.Client.
func (c *client) Inspector(context.Context) (targets.Inspector, error) {
	if !c.mode.stream {
		return blind{}, nil
	}
	l, err := c.link()
	if err != nil {
		return nil, err
	}
	return &inspector{link: l, names: c.names}, nil
}
