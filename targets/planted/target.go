package planted

import (
	"context"
	"fmt"
	"runtime"

	"waybill/targets"
)

func init() { targets.Register(target{}) }

// version is the broker's: there is one.
const version = "1"

// target implements targets.Target and targets.Planter.
type target struct{}

func (target) Describe(string) targets.Description {
	return targets.Description{
		Name: "planted", Title: "Planted broker (Waybill's own test piece, not a product)", Version: version,
		Profiles: []targets.Profile{{Name: profile, Summary: "three nodes, a log replicated by Raft; its bugs are switches: --plant"}},
		Modes:    modes(), Settings: settings(), Timing: timing(), Leaders: []string{targets.OfQueue, targets.OfConsumer}, Data: dataDir,
	}
}

// CheckVersion implements targets.VersionChecker.
func (target) CheckVersion(v string) error {
	if v != version {
		return fmt.Errorf("planted: --version %s is %w: the broker is part of waybill: want --version %s, or none", v, targets.ErrUnsupported, version)
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
		return none, fmt.Errorf("planted: --dist %s is %w: the broker is part of waybill", p.Dist, targets.ErrUnsupported)
	}
	return targets.Distribution{Version: version, Facts: map[string]string{"planted": version, "go": runtime.Version()}}, nil
}

// Client implements targets.Target.
func (target) Client(c targets.ClientConfig) (targets.Client, error) { return newClient(c) }

// Start implements targets.Target: three nodes or more, one a host.
func (target) Start(ctx context.Context, s targets.Start) (targets.Cluster, error) {
	if s.Profile != profile {
		return nil, fmt.Errorf("planted: no profile %q: want %s", s.Profile, profile)
	}
	if len(s.Hosts) < replicas {
		return nil, fmt.Errorf("planted: %d hosts: want at least %d", len(s.Hosts), replicas)
	}
	return start(ctx, s)
}

// Plants implements targets.Planter.
func (target) Plants() []targets.Plant { return bugs() }
