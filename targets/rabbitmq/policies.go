package rabbitmq

import (
	"context"
	"fmt"
	"sort"

	"waybill/targets"
)

// queueSettings are what limits a queue, as the broker knows them.
type queueSettings struct {
	Type           string            `json:"type"`
	Durable        bool              `json:"durable"`
	AutoDelete     bool              `json:"auto_delete"`
	Policy         string            `json:"policy"` // name; "undefined": none
	OperatorPolicy string            `json:"operator_policy"`
	Arguments      map[string]string `json:"arguments"`
	Definition     map[string]string `json:"definition"` // of both policies together
}

// discards are the settings by which a queue drops, refuses or moves messages. Each is a queue's argument with "x-" before
// it, or a key of a policy. They are reported where they are not set as well.
var discards = []string{"max-length", "max-length-bytes", "overflow", "message-ttl", "expires", "delivery-limit", "dead-letter-exchange"}

// Policies implements targets.PolicyReader, from a node that knows the queue.
func (c *cluster) Policies(ctx context.Context, queue string) ([]targets.Policy, error) {
	var s queueSettings
	var last error
	for _, n := range c.nodes {
		if last = c.ask(ctx, n, &s, "policies", namesOf(queue).queue); last == nil {
			return s.policies(), nil
		}
	}
	return nil, fmt.Errorf("rabbitmq: policies of %q: %w", queue, last)
}

func (s queueSettings) policies() []targets.Policy {
	ps := []targets.Policy{
		{Name: "type", Value: s.Type}, {Name: "durable", Value: fmt.Sprint(s.Durable)}, {Name: "auto delete", Value: fmt.Sprint(s.AutoDelete)},
		{Name: "policy", Value: s.Policy}, {Name: "operator policy", Value: s.OperatorPolicy},
	}
	told := map[string]bool{}
	for _, d := range discards {
		v := "none"
		if set, ok := s.Definition[d]; ok {
			v = set
		}
		if set, ok := s.Arguments["x-"+d]; ok {
			v = set
		}
		told[d], told["x-"+d] = true, true
		ps = append(ps, targets.Policy{Name: d, Value: v})
	}
	for _, more := range []map[string]string{s.Definition, s.Arguments} {
		var names []string
		for n := range more {
			if !told[n] {
				names = append(names, n)
			}
		}
		sort.Strings(names)
		for _, n := range names {
			ps = append(ps, targets.Policy{Name: n, Value: more[n]})
		}
	}
	return ps
}
