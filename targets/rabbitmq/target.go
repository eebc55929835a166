package rabbitmq

import (
	"context"
	"fmt"
	"slices"

	"waybill/harness/semantics"
	"waybill/targets"
)

func init() { targets.Register(target{}) }

// target implements targets.Target.
type target struct{}

func (target) Describe(version string) targets.Description {
	if version == "" {
		version = defaultVersion
	}
	var ms []semantics.Mode
	for _, m := range modes(version) {
		ms = append(ms, m.Mode)
	}
	return targets.Description{
		Name: "rabbitmq", Title: "RabbitMQ", Version: version, Profiles: profiles(),
		Modes: ms, Settings: settings(), Timing: timing(), Leaders: []string{targets.OfQueue},
		Protocol: "amqp", Data: dataDir, Memory: 3 << 29,
	}
}

func profiles() []targets.Profile {
	return []targets.Profile{
		{Name: pauseMinority, Summary: "three nodes; those that see no majority stop serving until they do"},
		{Name: autoheal, Summary: "three nodes; all go on through a partition, and those of the losing side restart when it heals"},
		{Name: ignore, Summary: "three nodes; all go on through a partition, and stay apart until an operator restarts the losing side"},
	}
}

// Client implements targets.Target.
func (target) Client(c targets.ClientConfig) (targets.Client, error) { return newClient(c) }

// Start implements targets.Target: three nodes or more, one a host.
func (target) Start(ctx context.Context, s targets.Start) (targets.Cluster, error) {
	if !slices.ContainsFunc(profiles(), func(p targets.Profile) bool { return p.Name == s.Profile }) {
		return nil, fmt.Errorf("rabbitmq: no profile %q: want %s, %s or %s", s.Profile, pauseMinority, autoheal, ignore)
	}
	if len(s.Hosts) < replicas {
		return nil, fmt.Errorf("rabbitmq: %d hosts: queues of %d replicas want at least %d", len(s.Hosts), replicas, replicas)
	}
	return start(ctx, s)
}
