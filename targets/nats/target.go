package nats

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"

	"github.com/nats-io/nats-server/v2/server"
	"waybill/harness/semantics"
	"waybill/targets"
)

func init() { targets.Register(target{}) }

// target implements targets.Target.
type target struct{}

func (target) Describe(version string) targets.Description {
	var ms []semantics.Mode
	for _, m := range modes() {
		ms = append(ms, m.Mode)
	}
	return targets.Description{
		Name: "nats", Title: "NATS JetStream", Version: cmp.Or(version, server.VERSION),
		Profiles: profiles(),
		Modes:    ms, Settings: settings(), Timing: timing(), Leaders: []string{targets.OfQueue, targets.OfConsumer, targets.OfController},
		Protocol: "nats", Data: dataDir, Memory: 1 << 30,
	}
}

func profiles() []targets.Profile {
	return []targets.Profile{
		{Name: profile, Summary: "three nodes of the linked-in server, file storage, defaults but for the timeouts"},
		{Name: syncProfile, Summary: "as default, with sync_interval: always: everything is synced to disk before it is acknowledged"},
		{Name: windowProfile, Summary: "as default, for streams that remember message ids for less time than a producer waits for an answer"},
	}
}

// CheckVersion implements targets.VersionChecker: the server is part of this binary, in one version.
func (target) CheckVersion(version string) error {
	if version != server.VERSION {
		return fmt.Errorf("nats: --version %s is %w: the server is linked into waybill: want --version %s, or none; other versions can be audited with --cluster external",
			version, targets.ErrUnsupported, server.VERSION)
	}
	return nil
}

// Provision implements targets.Target: there is nothing to fetch.
func (t target) Provision(_ context.Context, p targets.Provisioning) (targets.Distribution, error) {
	var none targets.Distribution
	if p.Version != "" {
		if err := t.CheckVersion(p.Version); err != nil {
			return none, err
		}
	}
	if p.Dist != "" {
		return none, fmt.Errorf("nats: --dist %s is %w: the server %s is linked into waybill: leave it out; servers of your own can be audited with --cluster external",
			p.Dist, targets.ErrUnsupported, server.VERSION)
	}
	return targets.Distribution{Version: server.VERSION, Facts: map[string]string{"nats": server.VERSION, "go": runtime.Version()}}, nil
}

// Client implements targets.Target.
func (target) Client(c targets.ClientConfig) (targets.Client, error) { return newClient(c) }

// Start implements targets.Target: three nodes or more, one a host.
func (target) Start(ctx context.Context, s targets.Start) (targets.Cluster, error) {
	if !slices.ContainsFunc(profiles(), func(p targets.Profile) bool { return p.Name == s.Profile }) {
		return nil, fmt.Errorf("nats: no profile %q: want %s, %s or %s", s.Profile, profile, syncProfile, windowProfile)
	}
	if len(s.Hosts) < replicas {
		return nil, fmt.Errorf("nats: %d hosts: streams of %d replicas want at least %d", len(s.Hosts), replicas, replicas)
	}
	var ms []machine
	for _, h := range s.Hosts {
		ms = append(ms, onHost(h))
	}
	return start(ctx, s.Profile, ms, s.Log)
}
