package maven

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"waybill/targets"
	"waybill/targets/maven/maventest"
)

// nines is a set of a version that is not.
var nines = Set{Name: "some 9.9.9", Size: "1 MB", POM: "<project/>", Args: []string{"-Dversion=9.9.9"}}

func TestWhatMavenFailsAtIsSaid(t *testing.T) {
	for _, c := range []struct {
		claim, script, says string
		is                  error
	}{
		{"a version that is not", "echo '[ERROR] Could not find artifact org.some:some:jar:9.9.9 in central'; exit 1", "no such release is found by Maven: org.some:some:jar:9.9.9", ErrNoArtifact},
		{"no network", "echo '[ERROR] Could not transfer artifact: Unknown host'; exit 1", "could not fetch some 9.9.9 (exit status 1); is there a network? Another call goes on from here. Maven said: Could not transfer artifact: Unknown host", nil},
		{"a project without jars", "mkdir -p $OUT", "no jars were fetched", nil},
	} {
		maventest.Maven(t, c.script)
		err := nines.Complete(t.Context(), Folder{t.TempDir()}, t.Logf)
		if err == nil || !strings.Contains(err.Error(), c.says) || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v", c.claim, err)
		}
	}
	t.Setenv("PATH", t.TempDir())
	err := nines.Complete(t.Context(), Folder{t.TempDir()}, t.Logf)
	if !errors.Is(err, targets.ErrMissing) || !strings.Contains(err.Error(), "apt-get install maven") {
		t.Errorf("without Maven: %v", err)
	}
}

func TestFetchingEndsWithItsContext(t *testing.T) {
	maventest.Maven(t, "echo '[INFO] Downloaded one'; exec sleep 60")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := nines.Complete(ctx, Folder{t.TempDir()}, t.Logf); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}
