package nats

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats-server/v2/server"
	"waybill/targets"
)

// DeleteQueue implements targets.QueueDeleter: the stream, and with it the durable consumer. A queue that is not there is
// deleted, and so is a core queue, which is nothing but a name.
func (c *peers) DeleteQueue(ctx context.Context, q targets.Queue) error {
	m, ok := modeOf(q.Mode)
	if !ok {
		return fmt.Errorf("nats: no mode %q: want one of %q", q.Mode, modeNames())
	}
	if !m.stream {
		return nil
	}
	n := namesOf(q.Name)
	c.mu.Lock()
	delete(c.queues, n.stream) // health is no longer asked of it
	c.mu.Unlock()
	var gone server.JSApiStreamDeleteResponse
	err := c.api(ctx, "$JS.API.STREAM.DELETE."+n.stream, nil, &gone)
	var said *server.ApiError
	if errors.As(err, &said) && said.ErrCode == uint16(server.JSStreamNotFoundErr) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("nats: delete queue %q: %w", q.Name, err)
	}
	return nil
}
