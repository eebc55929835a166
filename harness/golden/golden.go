// Package golden compares what code writes with a file that somebody has read and approved. It is for tests alone, and judges
// nothing but equality: whether a difference is right, the person who runs -update decides.
package golden

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Compare fails t unless testdata/name of the package under test holds got; with -update it writes got there instead.
func Compare(t testing.TB, name string, got []byte) {
	t.Helper()
	compare(t, filepath.Join("testdata", name), got, *update)
}

func compare(t testing.TB, path string, got []byte, write bool) {
	t.Helper()
	if write {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (make it with -update)", err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s differs (-want +got); if it is meant to, run with -update:\n%s", path, cmp.Diff(string(want), string(got)))
	}
}
