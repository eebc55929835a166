package rabbitmq

import (
	"flag"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write golden files")

func threeMachines() []machine {
	return []machine{
		{name: "n1", addr: netip.MustParseAddr("10.77.0.2"), dir: "/lab/hosts/n1"},
		{name: "n2", addr: netip.MustParseAddr("10.77.0.3"), dir: "/lab/hosts/n2"},
		{name: "n3", addr: netip.MustParseAddr("10.77.0.4"), dir: "/lab/hosts/n3"},
	}
}

// golden compares with testdata/NAME.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		must(t, os.MkdirAll("testdata", 0o755))
		must(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

func TestWhatANodeIsStartedWith(t *testing.T) {
	ms := threeMachines()
	golden(t, "rabbitmq.conf", configText(pauseMinority, ms))
	golden(t, "advanced.config", advancedText())
	t.Setenv("PATH", "/bin")
	path, args := ms[1].command("/usr/lib/rabbitmq/lib/rabbitmq_server-3.10.8")
	golden(t, "command", strings.Join(append([]string{path}, args...), "\n")+"\n")
}

func TestPreparingANodeAgainKeepsWhatItHas(t *testing.T) {
	m := threeMachines()[0]
	m.dir = t.TempDir()
	must(t, m.prepare(autoheal, threeMachines()))
	kept := filepath.Join(m.dir, "data", "something")
	must(t, os.WriteFile(kept, nil, 0o644))
	must(t, m.prepare(autoheal, threeMachines()))
	if _, err := os.Stat(kept); err != nil {
		t.Error(err)
	}
	info, err := os.Stat(filepath.Join(m.dir, "home", ".erlang.cookie"))
	must(t, err)
	if info.Mode() != fs.FileMode(0o400) {
		t.Errorf("the cookie's mode is %v: Erlang wants it readable by its owner only", info.Mode())
	}
	text, err := os.ReadFile(filepath.Join(m.dir, "rabbitmq.conf"))
	must(t, err)
	if !strings.Contains(string(text), "cluster_partition_handling = autoheal\n") {
		t.Errorf("rabbitmq.conf:\n%s", text)
	}
}
