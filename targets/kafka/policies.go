package kafka

import (
	"context"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
	"waybill/targets"
)

// policies are the settings under which a topic may discard messages, or take them with fewer replicas.
var policies = []string{
	"cleanup.policy", "retention.ms", "retention.bytes", "delete.retention.ms", "max.message.bytes",
	"min.insync.replicas", "unclean.leader.election.enable", "flush.messages", "flush.ms", "message.timestamp.type",
}

// Policies implements targets.PolicyReader.
func (c *cluster) Policies(ctx context.Context, queue string) ([]targets.Policy, error) {
	var ps []targets.Policy
	err := c.anyBroker(func(n *node) error {
		found, err := n.settings(ctx, n.client, kmsg.ConfigResourceTypeTopic, namesOf(queue).topic)
		if err != nil {
			return err
		}
		ps = nil
		for _, name := range policies {
			i := slices.IndexFunc(found, func(s kmsg.DescribeConfigsResponseResourceConfig) bool { return s.Name == name })
			if i >= 0 {
				ps = append(ps, targets.Policy{Name: name, Value: valueOf(found[i])})
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("kafka: policies of %q: %w", queue, err)
	}
	return ps, nil
}
