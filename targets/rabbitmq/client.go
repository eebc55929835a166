package rabbitmq

import (
	"context"
	"errors"
	"fmt"

	"waybill/targets"
)

// client opens roles, each with a connection of its own: a pinned producer does not take the consumer along, and a producer
// that the broker holds back does not hold up acknowledgements.
type client struct {
	config targets.ClientConfig
	mode   mode
	names  names
}

func newClient(c targets.ClientConfig) (*client, error) {
	m, ok := modeOf(c.Queue.Mode)
	if !ok {
		return nil, fmt.Errorf("rabbitmq: no mode %q: want one of %q", c.Queue.Mode, modeNames())
	}
	if len(c.Nodes) == 0 {
		return nil, errors.New("rabbitmq: no nodes to connect to")
	}
	if c.Batch <= 0 {
		return nil, fmt.Errorf("rabbitmq: batch of %d: want at least 1", c.Batch)
	}
	if c.Confirm <= 0 {
		return nil, fmt.Errorf("rabbitmq: confirm timeout of %v: want more than 0", c.Confirm)
	}
	if c.Access != nil {
		if _, _, err := accessConfig(c.Access); err != nil {
			return nil, err
		}
	}
	return &client{config: c, mode: m, names: namesOf(c.Queue.Name)}, nil
}

// Producer implements targets.Client. It returns before the connection is made.
func (c *client) Producer(context.Context) (targets.Producer, error) {
	return newPublisher(c.config, c.mode, c.names), nil
}

// Consumer implements targets.Client. It subscribes to the queue and does not create it; it returns before it is connected.
func (c *client) Consumer(context.Context) (targets.Consumer, error) {
	return newSubscriber(c.config, c.mode, c.names), nil
}

// Inspector implements targets.Client.
func (c *client) Inspector(context.Context) (targets.Inspector, error) {
	return newInspector(c.config, c.names), nil
}
