package rabbitmq

import (
	"context"
	"fmt"
)

// CheckVersion implements targets.VersionChecker.
func (target) CheckVersion(version string) error { return supported(version) }

// Versions implements targets.VersionReporter: what each broker tells every client, of itself and of its Erlang.
func (e *external) Versions(ctx context.Context) (string, map[string]string, error) {
	facts, versions := map[string]string{}, map[string]bool{}
	for _, n := range e.nodes {
		p, err := e.properties(ctx, n)
		if err != nil {
			return "", nil, err
		}
		version, _ := p["version"].(string)
		platform, _ := p["platform"].(string)
		facts["rabbitmq at "+n.Addr], versions[version] = fmt.Sprintf("%s on %s", version, platform), true
	}
	if len(versions) != 1 {
		return "", facts, nil
	}
	for v := range versions {
		return v, facts, nil
	}
	return "", nil, nil
}
