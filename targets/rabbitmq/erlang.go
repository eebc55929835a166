package rabbitmq

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"waybill/targets"
)

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

// erlangPackage holds what RabbitMQ needs of Erlang, on Debian and Ubuntu.
const erlangPackage = "erlang-nox"

// onErlang adds to a distribution the Erlang of this machine that it will run on, or says how to get one.
func onErlang(ctx context.Context, d targets.Distribution) (targets.Distribution, error) {
	program, err := erl()
	if err != nil {
		return d, fmt.Errorf("%w: %w: install Erlang, on Debian or Ubuntu with: apt-get install %s", targets.ErrMissing, err, erlangPackage)
	}
	release, err := erlangRelease(ctx, program)
	if err != nil {
		return d, err
	}
	d.Facts = map[string]string{"erlang": release}
	return d, nil
}

// erlangTimeout is the longest that the emulator may take to start and say what it is.
const erlangTimeout = 10 * time.Second

// erlangRelease asks the emulator which release of Erlang/OTP it belongs to: "25".
func erlangRelease(ctx context.Context, program string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, erlangTimeout)
	defer cancel()
	c := exec.CommandContext(ctx, program, "-noshell", "-noinput", "-eval", "io:put_chars(erlang:system_info(otp_release)), halt().")
	c.Env = append(os.Environ(), "ERL_CRASH_DUMP="+os.DevNull)
	c.WaitDelay = time.Second
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("rabbitmq: ask %s for its version: %w", program, err)
	}
	return strings.TrimSpace(string(out)), nil
}
