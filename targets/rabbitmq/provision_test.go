package rabbitmq

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"waybill/targets"
)

// fakeApt puts programs called apt-get and dpkg before all others. They do what the real ones would with three packages,
// and write down what they were asked. Without index the simulation fails until an update.
func fakeApt(t *testing.T) (log string) {
	t.Helper()
	dir := t.TempDir()
	log = filepath.Join(dir, "log")
	scripts := map[string]string{
		"apt-get": `echo "apt-get $*" >> ` + log + `
case "$*" in
*--simulate*)
	[ -e ` + dir + `/no-index ] && { echo "E: Unable to locate package rabbitmq-server" >&2; exit 100; }
	echo "Inst erlang-base (1:25.2 Debian:12 [amd64])"
	echo "Inst libsctp1 (1.0 Debian:12 [amd64])"
	echo "Inst rabbitmq-server (3.10.8-1 Debian:12 [all])" ;;
*update*) rm ` + dir + `/no-index ;;
*download*)
	[ -e ` + dir + `/interrupt ] && { echo one > libsctp1_1.0_amd64.deb; echo "E: Failed to fetch" >&2; exit 100; }
	for p in "$@"; do case $p in
		erlang-base=*) echo two > erlang-base_1%3a25.2_amd64.deb ;;
		libsctp1=*) echo one > libsctp1_1.0_amd64.deb ;;
		rabbitmq-server=*) echo three > rabbitmq-server_3.10.8-1_all.deb ;;
	esac; done ;;
esac
`,
		"dpkg": `echo "dpkg $*" >> ` + log + `
case "$2" in
*rabbitmq-server*)
	[ -e ` + dir + `/damaged ] && { echo "unexpected end of file" >&2; exit 2; }
	d=$3/usr/lib/rabbitmq/lib/rabbitmq_server-3.10.8
	mkdir -p $d/sbin $d/plugins/rabbit-3.10.8 && echo > $d/sbin/rabbitmq-server ;;
*) mkdir -p $3/usr/lib/x && echo > $3/usr/lib/x/$(basename $2) ;;
esac
`,
	}
	for name, text := range scripts {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text), 0o755))
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return log
}

// flagged makes the fake programs fail in some way until the flag is removed.
func flagged(t *testing.T, log, flag string) (remove func()) {
	t.Helper()
	path := filepath.Join(filepath.Dir(log), flag)
	must(t, os.WriteFile(path, nil, 0o644))
	return func() { must(t, os.Remove(path)) }
}

func asked(t *testing.T, log, what string) int {
	t.Helper()
	text, err := os.ReadFile(log)
	must(t, err)
	return strings.Count(string(text), what)
}

func TestPackagesAreUnpackedOnceIntoTheCache(t *testing.T) {
	log := fakeApt(t)
	p := targets.Provisioning{Cache: filepath.Join(t.TempDir(), "cache"), Log: t.Logf}
	d, err := unpacked(t.Context(), p)
	must(t, err)
	if d.Version != "3.10.8" || d.Dir != "/usr/lib/rabbitmq/lib/rabbitmq_server-3.10.8" {
		t.Errorf("%+v", d)
	}
	if want := filepath.Join(p.Cache, "root/usr/lib"); d.Overlay["/usr/lib"] != want {
		t.Errorf("overlay %v, want %s", d.Overlay, want)
	}
	if d.Facts["erlang"] != "1:25.2" || d.Facts["packages"] != "erlang-base=1:25.2 libsctp1=1.0 rabbitmq-server=3.10.8-1" {
		t.Errorf("facts %v", d.Facts)
	}
	text, err := os.ReadFile(filepath.Join(p.Cache, "root", contentsFile))
	must(t, err)
	if sum := "2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806"; !strings.Contains(string(text), sum) { // of "one\n"
		t.Errorf("no checksum %s in %s", sum, text)
	}
	before := asked(t, log, "\n")
	again, err := unpacked(t.Context(), p)
	must(t, err)
	if again.Dir != d.Dir || asked(t, log, "\n") != before {
		t.Error("the second time something was run")
	}
}

func TestAnInterruptedDownloadGoesOn(t *testing.T) {
	log := fakeApt(t)
	p := targets.Provisioning{Cache: t.TempDir(), Log: t.Logf}
	remove := flagged(t, log, "interrupt")
	if _, err := unpacked(t.Context(), p); err == nil || !strings.Contains(err.Error(), "Failed to fetch") {
		t.Fatalf("got %v, want what apt says", err)
	}
	remove()
	_, err := unpacked(t.Context(), p)
	must(t, err)
	if n := asked(t, log, "download erlang-base=1:25.2 rabbitmq-server=3.10.8-1\n"); n != 1 {
		t.Errorf("%d downloads of just what was missing, want 1", n)
	}
}

func TestWhatIsHalfUnpackedIsNotUsed(t *testing.T) {
	log := fakeApt(t)
	p := targets.Provisioning{Cache: t.TempDir(), Log: t.Logf}
	remove := flagged(t, log, "damaged")
	if _, err := unpacked(t.Context(), p); err == nil || !strings.Contains(err.Error(), "unexpected end of file") {
		t.Fatalf("got %v, want what dpkg says", err)
	}
	if _, err := os.Stat(filepath.Join(p.Cache, "root")); err == nil {
		t.Error("the cache holds a root")
	}
	remove()
	_, err := unpacked(t.Context(), p)
	must(t, err)
}

func TestAMissingIndexOfPackages(t *testing.T) {
	log := fakeApt(t)
	flagged(t, log, "no-index")
	d, err := unpacked(t.Context(), targets.Provisioning{Cache: t.TempDir(), Log: t.Logf})
	if os.Getuid() == 0 { // root fetches it
		if err != nil || d.Version != "3.10.8" || asked(t, log, "update") != 1 {
			t.Errorf("%+v, %v", d, err)
		}
		return
	}
	if !errors.Is(err, targets.ErrMissing) || !strings.Contains(err.Error(), "apt-get update") {
		t.Errorf("got %v, want the command to run", err)
	}
}

func TestAMachineWithoutAptIsToldWhatToInstall(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := unpacked(t.Context(), targets.Provisioning{Cache: t.TempDir(), Log: t.Logf})
	if !errors.Is(err, targets.ErrMissing) || !strings.Contains(err.Error(), "--dist") {
		t.Errorf("got %v, want what to do", err)
	}
}

func TestADamagedCacheIsNamed(t *testing.T) {
	cache := t.TempDir()
	must(t, os.Mkdir(filepath.Join(cache, "root"), 0o755))
	must(t, os.WriteFile(filepath.Join(cache, "root", contentsFile), []byte("{"), 0o644))
	_, err := unpacked(t.Context(), targets.Provisioning{Cache: cache, Log: t.Logf})
	if err == nil || !strings.Contains(err.Error(), "remove "+filepath.Join(cache, "root")) {
		t.Errorf("got %v, want the folder to remove", err)
	}
}

// dist is an unpacked distribution, as far as it is looked at, on a machine with an erl.
func dist(t *testing.T, plugin string) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{"bin", "sbin", "plugins/" + plugin} {
		must(t, os.MkdirAll(filepath.Join(dir, d), 0o755))
	}
	for _, f := range []string{"bin/erl", serverScript} {
		must(t, os.WriteFile(filepath.Join(dir, f), []byte("#!/bin/sh\n"), 0o755))
	}
	t.Setenv("PATH", filepath.Join(dir, "bin"))
	return dir
}

func TestADistributionOfTheUsersOwn(t *testing.T) {
	dir := dist(t, "rabbit-4.1.2")
	d, err := target{}.Provision(t.Context(), targets.Provisioning{Dist: dir})
	must(t, err)
	if d.Dir != dir || d.Version != "4.1.2" || len(d.Overlay) != 0 || d.Facts["rabbitmq"] != "4.1.2" {
		t.Errorf("%+v", d)
	}
	if _, err := (target{}).Provision(t.Context(), targets.Provisioning{Dist: dir, Version: "3.13.7"}); !errors.Is(err, targets.ErrUnsupported) || !strings.Contains(err.Error(), "4.1.2") {
		t.Errorf("another version is wanted: %v", err)
	}
	if _, err := (target{}).Provision(t.Context(), targets.Provisioning{Dist: t.TempDir()}); !errors.Is(err, targets.ErrUnsupported) || !strings.Contains(err.Error(), serverScript) {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := (target{}).Provision(t.Context(), targets.Provisioning{Dist: dist(t, "rabbit-3.7.1")}); !errors.Is(err, targets.ErrUnsupported) || !strings.Contains(err.Error(), "3.8 to 4.x") {
		t.Errorf("a version too old: %v", err)
	}
}

func TestADistributionNeedsErlang(t *testing.T) {
	dir := dist(t, "rabbit-4.1.2")
	must(t, os.Remove(filepath.Join(dir, "bin/erl")))
	_, found := erl() // Erlang may be installed where it is looked for beside PATH
	if _, err := (target{}).Provision(t.Context(), targets.Provisioning{Dist: dir}); errors.Is(err, targets.ErrMissing) != (found != nil) {
		t.Errorf("got %v; looking for erl: %v", err, found)
	}
}
