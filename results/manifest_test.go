package results

import (
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"
	"time"
)

func nan() float64 { return math.NaN() }

func TestAManifestKnowsBuildAndMachine(t *testing.T) {
	m := NewManifest(7, []string{"waybill", "test"}, time.Now())
	if m.Schema != ManifestSchema || m.Seed != 7 || m.Go == "" || m.Started.Location() != time.UTC {
		t.Errorf("manifest %+v: want schema, seed, Go version, start in UTC", m)
	}
	if h := m.Host; h.Cores < 1 || h.Memory < 1<<20 || h.Kernel == "" || h.OS != "linux" {
		t.Errorf("host %+v: want cores, memory in bytes, kernel", h)
	}
	if m.TCP["tcp_retries2"] == "" {
		t.Errorf("TCP settings %v: want tcp_retries2", m.TCP)
	}
	m.built(&debug.BuildInfo{
		Main:     debug.Module{Version: "v1.2.3"},
		Deps:     []*debug.Module{{Path: "example.test/broker", Version: "v2.15.2"}},
		Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "0123abcd"}, {Key: "vcs.modified", Value: "true"}},
	})
	if m.Waybill != "v1.2.3" || m.Modules["example.test/broker"] != "v2.15.2" || m.Revision != "0123abcd" || !m.Modified {
		t.Errorf("manifest %+v: want version, module, revision and that it was modified", m)
	}
}

func TestRepeatIsACommandThatAShellTakes(t *testing.T) {
	for _, c := range []struct {
		name    string
		command []string
		want    string
	}{
		{"the seed is made explicit", []string{"bin/waybill", "test", "--target", "nats"}, "bin/waybill test --target nats --seed 42"},
		{"a seed that was given stays", []string{"waybill", "test", "--seed", "42"}, "waybill test --seed 42"},
		{"a seed given with = stays", []string{"waybill", "test", "--seed=42"}, "waybill test --seed=42"},
		{"words are quoted", []string{"waybill", "test", "--out", "my runs/it's"}, `waybill test --out 'my runs/it'\''s' --seed 42`},
		{"a temporary binary is called by its name", []string{"/var/build/exe/waybill", "test"}, "waybill test --seed 42"},
		{"nothing recorded", nil, "waybill test --target nats --seed 42"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := (Manifest{Target: "nats", Seed: 42, Command: c.command}).Repeat(); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestAProcessorWithoutANameIsNoError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cpuinfo")
	if err := os.WriteFile(path, []byte("processor : 0\nmodel name\t: Some CPU @ 1 GHz\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := cpuModel(path); got != "Some CPU @ 1 GHz" {
		t.Errorf("model %q", got)
	}
	if got := cpuModel(path + ".absent"); got != "" {
		t.Errorf("model %q of a file that is not there", got)
	}
}
