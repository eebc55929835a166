package kafka

import (
	"context"
	"fmt"

	"waybill/harness/lab"
	"waybill/harness/semantics"
	"waybill/targets"
)

func init() { targets.Register(target{}) }

// target implements targets.Target and targets.Connector.
type target struct{}

const controllerHost = "k1"

func profiles() []targets.Profile {
	return []targets.Profile{
		{Name: profile, Summary: "three brokers, and a controller process of its own", Extra: []string{controllerHost}},
		{Name: combined, Summary: "three nodes that are broker and controller in one process, which the vendor advises against for critical use"},
		{Name: fsync, Summary: "as default, with log.flush.interval.messages=1: everything is synced to disk before it is acknowledged", Extra: []string{controllerHost}},
	}
}

// modesOf are those of a profile.
func modesOf(profile string) []semantics.Mode {
	var ms []semantics.Mode
	for _, m := range modes() {
		if m.Profile == "" && profile != fsync {
			m.Profile = profile
		}
		if m.Profile == profile {
			ms = append(ms, m.Mode)
		}
	}
	return ms
}

func (target) Describe(version string) targets.Description {
	if version == "" {
		version = defaultVersion
	}
	ps := profiles()
	var ms []semantics.Mode
	for _, p := range ps {
		ms = append(ms, modesOf(p.Name)...)
	}
	return targets.Description{
		Name: "kafka", Title: "Apache Kafka", Version: version,
		Profiles: ps, Modes: ms, Settings: settings(), Timing: timing(), Leaders: []string{targets.OfQueue, targets.OfConsumer, targets.OfController},
		Protocol: "kafka", Data: dataDir, Memory: 3 << 30,
	}
}

// Client implements targets.Target.
func (target) Client(c targets.ClientConfig) (targets.Client, error) { return newClient(c) }

// Start implements targets.Target: one process a host.
func (target) Start(ctx context.Context, s targets.Start) (targets.Cluster, error) {
	if len(s.Hosts) < replicas {
		return nil, fmt.Errorf("kafka: %d hosts: topics of %d replicas want at least %d", len(s.Hosts), replicas, replicas)
	}
	extra := -1
	for _, p := range profiles() {
		if p.Name == s.Profile {
			extra = len(p.Extra)
		}
	}
	switch {
	case extra < 0:
		return nil, fmt.Errorf("kafka: no profile %q: want %q, %q or %q", s.Profile, profile, combined, fsync)
	case len(s.Extra) != extra:
		return nil, fmt.Errorf("kafka: profile %q wants %d hosts beside the brokers, got %d", s.Profile, extra, len(s.Extra))
	}
	p := preparedIn(s.Distribution.Dir)
	l, err := launchFrom(ctx, p)
	if err != nil {
		return nil, err
	}
	c, err := start(ctx, p, l, plan{brokers: machines(s.Hosts), controllers: machines(s.Extra), fsync: s.Profile == fsync}, s.Log)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func machines(hosts []*lab.Host) []machine {
	var ms []machine
	for _, h := range hosts {
		ms = append(ms, onHost(h))
	}
	return ms
}
