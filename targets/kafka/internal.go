package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Internal topics, which brokers make when somebody first looks for a coordinator.
const (
	offsetsTopic = "__consumer_offsets"
	stateTopic   = "__transaction_state"
)

// internalTopics makes the internal topics, so that no lane's first moment pays for it, and returns nil when all their
// replicas are in sync.
func (c *cluster) internalTopics(ctx context.Context) error {
	vs, err := c.views(ctx)
	if err != nil {
		return err
	}
	for kind, topic := range []string{offsetsTopic, stateTopic} {
		if len(latest(vs, topic)) == 0 {
			if err := c.anyBroker(func(n *node) error { return n.findCoordinator(ctx, int8(kind)) }); err != nil {
				return err
			}
		}
		err = errors.Join(err, c.agrees(vs, topic, func(p partition) int { return max(c.copies, len(p.replicas)) }))
	}
	if err == nil {
		c.expect(offsetsTopic, stateTopic)
	}
	return err
}

// findCoordinator looks for the coordinator of a group (kind 0) or of a transactional id (kind 1) that nobody uses. That
// it is not available yet is no error.
func (n *node) findCoordinator(ctx context.Context, kind int8) error {
	q := kmsg.NewPtrFindCoordinatorRequest()
	q.CoordinatorType, q.CoordinatorKey, q.CoordinatorKeys = kind, "harness", []string{"harness"}
	if _, err := request[*kmsg.FindCoordinatorResponse](ctx, n.client, q); err != nil {
		return fmt.Errorf("kafka: making the internal topics: %w", err)
	}
	return nil
}
