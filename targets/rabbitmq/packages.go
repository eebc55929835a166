package rabbitmq

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
)

// aptPackage is a package that apt would install.
type aptPackage struct{ name, version string }

// serverPackage is the one that is wanted; what it depends on and this machine lacks comes with it.
const serverPackage = "rabbitmq-server"

// installLine is how apt-get --simulate names a package to be installed, or upgraded from a version in brackets:
//
//	Inst socat (1.7.4.4-2 Debian:12.15/oldstable [amd64])
//	Inst erlang-base [1:25.1] (1:25.2.3+dfsg-1 Debian:12.15/oldstable [amd64]) []
var installLine = regexp.MustCompile(`^Inst ([a-z0-9][a-z0-9+.:-]*) (?:\[\S*\] )?\((\S+) `)

// parseSimulation reads what apt-get --simulate install prints.
func parseSimulation(output string) []aptPackage {
	var ps []aptPackage
	for line := range strings.Lines(output) {
		if m := installLine.FindStringSubmatch(line); m != nil {
			ps = append(ps, aptPackage{name: m[1], version: m[2]})
		}
	}
	return ps
}

// resolve asks apt which packages this machine lacks. It changes nothing and works without root.
func resolve(ctx context.Context) ([]aptPackage, error) {
	out, err := apt(ctx, "", "--simulate", "--no-install-recommends", "install", serverPackage)
	if err != nil {
		return nil, err
	}
	ps := parseSimulation(out)
	for _, p := range ps {
		if p.name == serverPackage {
			return ps, nil
		}
	}
	return nil, fmt.Errorf("rabbitmq: apt-get --simulate install %s named %d packages, and not that one", serverPackage, len(ps))
}

// apt runs apt-get in dir and returns what it prints. As root it would give up its rights to download, to a user who may not
// write here.
func apt(ctx context.Context, dir string, args ...string) (string, error) {
	args = append([]string{"-q", "-o", "APT::Sandbox::User=root"}, args...)
	return run(ctx, dir, "apt-get", args...)
}

// run runs a program of the machine's package management, in English.
func run(ctx context.Context, dir, program string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, program, args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	var out, said bytes.Buffer
	c.Stdout, c.Stderr = &out, &said
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("rabbitmq: %s %s: %w: %s", program, strings.Join(args, " "), err, strings.TrimSpace(said.String()))
	}
	return out.String(), nil
}

// archive is the name that apt-get download gives to a package's file.
func (p aptPackage) archive(dir []string) (string, bool) {
	prefix := strings.TrimSuffix(p.name, ":"+foreign(p.name)) + "_" + strings.ReplaceAll(p.version, ":", "%3a") + "_"
	for _, f := range dir {
		if strings.HasPrefix(f, prefix) && strings.HasSuffix(f, ".deb") {
			return f, true
		}
	}
	return "", false
}

// foreign is the architecture in a name such as "libc6:i386"; "" if it has none.
func foreign(name string) string {
	_, arch, _ := strings.Cut(name, ":")
	return arch
}
