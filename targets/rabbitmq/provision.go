package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"waybill/targets"
)

// serverScript is the start script in a distribution.
const serverScript = "sbin/rabbitmq-server"

// installed is where packages put distributions, one a version.
const installed = "/usr/lib/rabbitmq/lib/*"

// Provision implements targets.Target. It takes a distribution of the user's own (Dist), else one that is installed on this
// machine, else Debian's or Ubuntu's packages, unpacked into the cache: their programs have their paths built in, so the
// lab lays them over its /usr/lib. Nothing is installed into the system.
//
// targets.ErrMissing is wrapped where something must be installed first.
func (target) Provision(ctx context.Context, p targets.Provisioning) (targets.Distribution, error) {
	if p.Log == nil {
		p.Log = func(string, ...any) {}
	}
	if p.Version != "" {
		if err := supported(p.Version); err != nil {
			return targets.Distribution{}, err
		}
	}
	d, err := find(ctx, p)
	if err != nil {
		return d, err
	}
	if p.Version != "" && p.Version != d.Version {
		return d, fmt.Errorf("rabbitmq: --version %s is %w here: %s is %s: want --version %s, or none, or the folder of an unpacked generic Unix build of %s with --dist",
			p.Version, targets.ErrUnsupported, d.Dir, d.Version, d.Version, p.Version)
	}
	if err := supported(d.Version); err != nil {
		return d, err
	}
	if d.Facts == nil {
		d.Facts = map[string]string{}
	}
	d.Facts["rabbitmq"] = d.Version
	return d, nil
}

func find(ctx context.Context, p targets.Provisioning) (targets.Distribution, error) {
	if p.Dist != "" {
		return own(ctx, p.Dist)
	}
	if d, ok := found(); ok {
		return onErlang(ctx, d)
	}
	return unpacked(ctx, p)
}

// found is the distribution that is installed on this machine, the last by name of several.
func found() (targets.Distribution, bool) {
	dirs, err := filepath.Glob(installed)
	if err != nil || len(dirs) == 0 {
		return targets.Distribution{}, false
	}
	d, err := distribution(dirs[len(dirs)-1])
	return d, err == nil
}

// own is a distribution that the user unpacked.
func own(ctx context.Context, dir string) (targets.Distribution, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return targets.Distribution{}, fmt.Errorf("rabbitmq: distribution: %w", err)
	}
	d, err := distribution(dir)
	if err != nil {
		return d, fmt.Errorf("rabbitmq: --dist is %w here: want the folder of an unpacked generic Unix build: %w", targets.ErrUnsupported, err)
	}
	return onErlang(ctx, d)
}

// distribution reads which version dir holds.
func distribution(dir string) (targets.Distribution, error) {
	if _, err := os.Stat(filepath.Join(dir, serverScript)); err != nil {
		return targets.Distribution{}, fmt.Errorf("rabbitmq: %s holds no distribution: expected %s in it: %w", dir, serverScript, err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "plugins", "rabbit-*"))
	if err != nil {
		return targets.Distribution{}, fmt.Errorf("rabbitmq: %s: %w", dir, err)
	}
	for _, n := range names {
		if v, ok := pluginVersion(filepath.Base(n)); ok {
			return targets.Distribution{Dir: dir, Version: v}, nil
		}
	}
	return targets.Distribution{}, fmt.Errorf("rabbitmq: %s does not say its version: expected plugins/rabbit-VERSION", dir)
}

var rabbitPlugin = regexp.MustCompile(`^rabbit-([0-9]+\.[0-9]+\.[0-9]+\S*?)(\.ez)?$`)

// pluginVersion is the version in the name of the server's own plugin, which is a folder or an archive.
func pluginVersion(name string) (string, bool) {
	if m := rabbitPlugin.FindStringSubmatch(name); m != nil {
		return m[1], true
	}
	return "", false
}

// errForeign says what to do on machines whose packages this does not know.
func errForeign(why error) error {
	return fmt.Errorf("%w: rabbitmq: no rabbitmq-server is installed, and its packages can be fetched on Debian and Ubuntu only (%w): "+
		"install rabbitmq-server with this machine's package manager, or Erlang and the generic Unix build, and name its folder with --dist",
		targets.ErrMissing, why)
}

var errNoApt = errors.New("this machine has no apt-get and dpkg")
