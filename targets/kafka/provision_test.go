package kafka

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"waybill/targets"
	"waybill/targets/maven/maventest"
)

// dist is a folder that looks like an unpacked distribution.
func dist(t *testing.T, jars ...string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "libs"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, j := range jars {
		if err := os.WriteFile(filepath.Join(dir, "libs", j), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestWhatIsProvisionedIsWhatWasAskedFor(t *testing.T) {
	for _, c := range []struct {
		claim, dist, version string
		want, says           string
	}{
		{"the default", "", "", defaultVersion, ""},
		{"a version", "", "3.9.1", "3.9.1", ""},
		{"a distribution says its version itself", dist(t, "kafka-clients-3.8.0.jar", "kafka_2.13-3.8.0-sources.jar", "kafka_2.13-3.8.0.jar"), "", "3.8.0", ""},
		{"also one that was built for another Scala", dist(t, "kafka_2.12-3.5.1.jar"), "3.5.1", "3.5.1", ""},
		{"a distribution of another version", dist(t, "kafka_2.13-3.8.0.jar"), "4.1.0", "", "holds version 3.8.0, and --version 4.1.0 is not supported with it: want --version 3.8.0, or none"},
		{"a distribution that is too old", dist(t, "kafka_2.13-2.8.0.jar"), "", "", "want 3.3.0 or newer"},
		{"a folder that is none", dist(t, "kafka-clients-3.8.0.jar"), "", "", "want the folder of an unpacked distribution"},
	} {
		version, p, err := place(targets.Provisioning{Cache: "/cache", Version: c.version, Dist: c.dist})
		if c.says != "" {
			if !errors.Is(err, targets.ErrUnsupported) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %v, want %q, as not supported", c.claim, err, c.says)
			}
			continue
		}
		if err != nil || version != c.want || !strings.HasPrefix(p.Dir, "/cache/") || !strings.Contains(p.Dir, version) {
			t.Errorf("%s: %s in %s, %v", c.claim, version, p.Dir, err)
		}
	}
}

func TestAVersionThatIsNotLeavesNothing(t *testing.T) {
	maventest.Maven(t, "echo '[ERROR] Could not find artifact org.apache.kafka:kafka_2.13:jar:9.9.9 in central'; exit 1")
	t.Setenv("JAVA_HOME", maventest.Java(t, "21.0.1"))
	cache := t.TempDir()
	if d, err := (target{}).Provision(t.Context(), targets.Provisioning{Cache: cache, Version: "9.9.9", Log: t.Logf}); !errors.Is(err, targets.ErrUnsupported) {
		t.Errorf("%+v, %v", d, err)
	}
	if _, err := os.Stat(filepath.Join(cache, "9.9.9")); err == nil {
		t.Error("a folder of a version that is not was left")
	}
}

func TestWithoutJavaNothingIsFetched(t *testing.T) {
	maventest.Maven(t, "touch $OUT.fetched")
	t.Setenv("JAVA_HOME", maventest.Java(t, "11.0.1"))
	t.Setenv("PATH", t.TempDir())
	cache := t.TempDir()
	if _, err := (target{}).Provision(t.Context(), targets.Provisioning{Cache: cache}); !errors.Is(err, targets.ErrMissing) {
		t.Error(err)
	}
	if left, err := os.ReadDir(cache); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}

func TestRequirementsSayWhatIsMissing(t *testing.T) {
	t.Setenv("JAVA_HOME", maventest.Java(t, "11.0.1"))
	t.Setenv("MAVEN_HOME", "")
	t.Setenv("PATH", t.TempDir())
	for _, r := range (target{}).Requirements(t.Context()) {
		if r.Have || !strings.HasPrefix(r.Get, "apt-get install ") {
			t.Errorf("%+v", r)
		}
	}
	t.Setenv("JAVA_HOME", maventest.Java(t, "21.0.1"))
	if r := (target{}).Requirements(t.Context())[0]; !r.Have || r.Version != "21.0.1" {
		t.Errorf("%+v", r)
	}
}
