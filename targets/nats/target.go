package nats

import (
	"context"
	"fmt"

	"github.com/nats-io/nats-server/v2/server"
	"waybill/harness/semantics"
	"waybill/targets"
)

func init() { targets.Register(target{}) }

// target implements targets.Target.
type target struct{}

func (target) Describe(string) targets.Description {
	var ms []semantics.Mode
	for _, m := range modes() {
		ms = append(ms, m.Mode)
	}
	return targets.Description{
		Name: "nats", Title: "NATS JetStream", Version: server.VERSION,
		Profiles: []targets.Profile{{Name: profile, Summary: "three nodes of the linked-in server, file storage, defaults but for the timeouts"}},
		Modes:    ms, Settings: settings(), Timing: timing(), Leaders: []string{ofQueue, ofConsumer, ofController},
	}
}

// Provision implements targets.Target: the server is part of this binary.
func (target) Provision(context.Context, targets.Provisioning) (targets.Distribution, error) {
	return targets.Distribution{Version: server.VERSION}, nil
}

// Client implements targets.Target.
func (target) Client(c targets.ClientConfig) (targets.Client, error) { return newClient(c) }

// Start implements targets.Target: three nodes or more, one a host.
func (target) Start(ctx context.Context, s targets.Start) (targets.Cluster, error) {
	if s.Profile != profile {
		return nil, fmt.Errorf("nats: no profile %q: want %q", s.Profile, profile)
	}
	if len(s.Hosts) < replicas {
		return nil, fmt.Errorf("nats: %d hosts: streams of %d replicas want at least %d", len(s.Hosts), replicas, replicas)
	}
	var ms []machine
	for _, h := range s.Hosts {
		ms = append(ms, onHost(h))
	}
	return start(ctx, ms, s.Log)
}
