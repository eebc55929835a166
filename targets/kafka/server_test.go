package kafka

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write golden files")

func TestConfigurationFiles(t *testing.T) {
	alone := []voter{{id: firstController, host: "10.77.0.5", port: controllerPort}}
	together := []voter{{1, "10.77.0.2", controllerPort}, {2, "10.77.0.3", controllerPort}, {3, "10.77.0.4", controllerPort}}
	for _, c := range []struct {
		golden string
		server server
	}{
		{"broker", server{id: 2, roles: []string{roleBroker}, host: "10.77.0.3", dir: "/lab/n2", client: clientPort, voters: alone, copies: 3}},
		{"controller", server{id: firstController, roles: []string{roleController}, host: "10.77.0.5", dir: "/lab/k1", client: clientPort, voters: alone, copies: 3}},
		{"combined", server{id: 3, roles: []string{roleBroker, roleController}, host: "10.77.0.4", dir: "/lab/n3", client: clientPort, voters: together, copies: 3}},
		{"fsync", server{id: 2, roles: []string{roleBroker}, host: "10.77.0.3", dir: "/lab/n2", client: clientPort, voters: alone, copies: 3, fsync: true}},
	} {
		t.Run(c.golden, func(t *testing.T) {
			path := filepath.Join("testdata", c.golden+".properties")
			got := c.server.properties()
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s (-update writes it):\n%s", path, diff)
			}
		})
	}
}

func TestEveryDifferenceFromTheDefaultsIsSaid(t *testing.T) {
	said := settings()
	for _, s := range brokerSettings(replicas) {
		if got, want := said[s.name], s.value+" (default "+s.def+")"; got != want {
			t.Errorf("%s: %q, want %q", s.name, got, want)
		}
	}
}

func TestANodeGetsAnIdentityOfItsOwn(t *testing.T) {
	ready := preparedIn(t.TempDir())
	write := func(path, text string) {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ claim, tool, want string }{
		{"what the tool wrote is kept, under new identities", "#\n#comment=x\nnode.id=1\ndirectory.id=old\nversion=1\ncluster.id=old\n", "#\n#comment=x\nnode.id=7\ndirectory.id=NEW\nversion=1\ncluster.id=THIS\n"},
		{"nothing is added that the version does not know", "node.id=1\nversion=1\ncluster.id=old\n", "node.id=7\nversion=1\ncluster.id=THIS\n"},
	} {
		write(ready.metaProperties(), c.tool)
		write(ready.bootstrapRecords(), "records")
		s := server{id: 7, dir: t.TempDir()}
		if err := ready.formatFor(s, "THIS"); err != nil {
			t.Fatal(err)
		}
		meta, err := os.ReadFile(filepath.Join(s.data(), metaProperties))
		if err != nil {
			t.Fatal(err)
		}
		var lines strings.Builder
		for line := range strings.Lines(string(meta)) {
			if id, ok := strings.CutPrefix(line, "directory.id="); ok {
				if len(id) != len("Oe6t4buebdBlgFBIX3RIag\n") || id[0] == '-' {
					t.Errorf("%s: directory.id %q is no identity", c.claim, id)
				}
				line = "directory.id=NEW\n"
			}
			lines.WriteString(line)
		}
		if diff := cmp.Diff(c.want, lines.String()); diff != "" {
			t.Errorf("%s:\n%s", c.claim, diff)
		}
		records, err := os.ReadFile(filepath.Join(s.data(), bootstrapRecords))
		if err != nil || string(records) != "records" {
			t.Errorf("%s: records %q, %v", c.claim, records, err)
		}
	}
}
