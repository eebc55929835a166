package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

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
	d, err := find(ctx, p)
	if err != nil {
		return d, err
	}
	if p.Version != "" && p.Version != d.Version {
		return d, fmt.Errorf("rabbitmq: version %s is wanted, and %s is %s: unpack the generic Unix build of %s and name its folder with --dist",
			p.Version, d.Dir, d.Version, p.Version)
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
		return own(p.Dist)
	}
	if dirs, err := filepath.Glob(installed); err == nil && len(dirs) > 0 {
		if d, err := distribution(dirs[len(dirs)-1]); err == nil {
			return d, needErlang()
		}
	}
	return unpacked(ctx, p)
}

// own is a distribution that the user unpacked.
func own(dir string) (targets.Distribution, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return targets.Distribution{}, fmt.Errorf("rabbitmq: distribution: %w", err)
	}
	d, err := distribution(dir)
	if err != nil {
		return d, err
	}
	return d, needErlang()
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

// erlangDirs are searched beside PATH, since packages may be laid over the first only inside a lab.
var erlangDirs = []string{"/usr/lib/erlang/bin", "/usr/local/lib/erlang/bin"}

// searchPath is PATH with the folders that Erlang's programs are in.
func searchPath() string {
	return strings.Join(append([]string{os.Getenv("PATH")}, erlangDirs...), string(os.PathListSeparator))
}

// erl finds Erlang's emulator.
func erl() (string, error) {
	for _, d := range filepath.SplitList(searchPath()) {
		if path, err := exec.LookPath(filepath.Join(d, "erl")); err == nil && filepath.IsAbs(path) {
			return path, nil
		}
	}
	return "", fmt.Errorf("rabbitmq: no erl in PATH or %s", strings.Join(erlangDirs, ", "))
}

// needErlang reports what to do where a distribution has no Erlang to run on.
func needErlang() error {
	if _, err := erl(); err != nil {
		return fmt.Errorf("%w: %w: install Erlang, on Debian or Ubuntu with: apt-get install erlang-nox", targets.ErrMissing, err)
	}
	return nil
}

// errForeign says what to do on machines whose packages this does not know.
func errForeign(why error) error {
	return fmt.Errorf("%w: rabbitmq: no rabbitmq-server is installed, and its packages can be fetched on Debian and Ubuntu only (%w): "+
		"install rabbitmq-server with this machine's package manager, or Erlang and the generic Unix build, and name its folder with --dist",
		targets.ErrMissing, why)
}

var errNoApt = errors.New("this machine has no apt-get and dpkg")
