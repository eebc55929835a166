package kafka

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"waybill/targets"
)

func TestVersions(t *testing.T) {
	if defaultVersion != "4.1.2" {
		t.Errorf("pom.xml is of version %s: docker-compose.yml and the documentation name another", defaultVersion)
	}
	for version, says := range map[string]string{
		"4.1.0": "", "3.3.0": "", "3.9.1": "", "10.0.0": "", "4.2.0-rc1": "",
		"3.2.3": "want 3.3.0 or newer", "2.8.0": "want 3.3.0 or newer", "4.1": "want a release like", "": "want a release like", "4.1.0/..": "want a release like",
	} {
		err := target{}.CheckVersion(version)
		if says == "" && err != nil || says != "" && (!errors.Is(err, targets.ErrUnsupported) || !strings.Contains(err.Error(), says)) {
			t.Errorf("%q: %v, want %q", version, err, says)
		}
	}
}

// fakeMaven is a program in PATH that does what the script says; $OUT is the folder that jars go to.
func fakeMaven(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	text := "#!/bin/sh\nfor a in \"$@\"; do case $a in -DoutputDirectory=*) OUT=${a#*=};; esac; done\n" + script + "\n"
	if err := os.WriteFile(filepath.Join(dir, "mvn"), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("MAVEN_HOME", "")
	t.Setenv("PATH", dir+":/usr/bin:/bin")
}

func TestWhatMavenFailsAtIsSaid(t *testing.T) {
	for _, c := range []struct{ claim, script, says string }{
		{"a version that is not", "echo '[ERROR] Could not find artifact org.apache.kafka:kafka_2.13:jar:9.9.9 in central'; exit 1", "--version 9.9.9 is not supported: Maven finds no such release"},
		{"no network", "echo '[ERROR] Could not transfer artifact: Unknown host'; exit 1", "is there a network? Another call goes on from here. It said: Could not transfer artifact: Unknown host"},
	} {
		fakeMaven(t, c.script)
		err := fetch(t.Context(), "9.9.9", t.TempDir(), t.TempDir(), t.Logf)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.claim, err)
		}
	}
	t.Setenv("PATH", t.TempDir())
	err := fetch(t.Context(), "9.9.9", t.TempDir(), t.TempDir(), t.Logf)
	if !errors.Is(err, targets.ErrMissing) || !strings.Contains(err.Error(), "apt-get install maven") {
		t.Errorf("without Maven: %v", err)
	}
}

func TestFetchingEndsWithItsContext(t *testing.T) {
	fakeMaven(t, "echo '[INFO] Downloaded one'; exec sleep 60")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := fetch(ctx, "4.1.0", t.TempDir(), t.TempDir(), t.Logf); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}
