package rabbitmq

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"waybill/targets"
)

// programs makes executables that succeed and print text, alone in PATH.
func programs(t *testing.T, text string, names ...string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\necho "+text+"\n"), 0o755))
	}
	t.Setenv("PATH", dir)
}

func TestRequirementsSayWhatIsMissing(t *testing.T) {
	if _, ok := found(); ok {
		t.Skip("not tested: a machine without rabbitmq-server, since this one has it")
	}
	programs(t, "")
	for _, r := range (target{}).Requirements(t.Context()) {
		if r.Name == "rabbitmq-server" && (r.Have || !strings.Contains(r.Get, "--dist")) {
			t.Errorf("without anything: %+v", r)
		}
	}
	programs(t, "", "apt-get", "dpkg")
	rs := (target{}).Requirements(t.Context())
	if len(rs) != 1 || !rs[0].Have || !strings.Contains(rs[0].Name, "unpack") {
		t.Errorf("where packages can be unpacked: %+v", rs)
	}
}

func TestErlangIsFoundWithItsRelease(t *testing.T) {
	programs(t, "25", "erl")
	if r := erlangRequirement(t.Context()); !r.Have || r.Version != "25" {
		t.Errorf("%+v", r)
	}
	d, err := onErlang(t.Context(), targets.Distribution{})
	if err != nil || d.Facts["erlang"] != "25" {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestAMissingErlangIsNamedWithTheCommandToRun(t *testing.T) {
	programs(t, "", "apt-get", "dpkg")
	if _, err := erl(); err == nil {
		t.Skip("not tested: a machine without Erlang, since this one has it beside PATH")
	}
	if r := erlangRequirement(t.Context()); r.Have || r.Get != "apt-get install erlang-nox" {
		t.Errorf("%+v", r)
	}
}
