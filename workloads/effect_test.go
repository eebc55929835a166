package workloads

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"waybill/harness/history"
)

// readBack counts the plain effects below dirs.
func readBack(t *testing.T, dirs ...string) map[string]uint64 {
	t.Helper()
	got := map[string]uint64{}
	if err := ReadFiles(dirs, func(token string, n uint64) error { got[token] += n; return nil }); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestAPlainEffectRepeatedIsSeenTwice(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	for _, x := range []struct {
		dir    string
		life   history.Life
		tokens []string
	}{{a, 1, []string{"one", "two", "one"}}, {a, 2, []string{"two"}}, {b, 3, []string{"three", ""}}} {
		e, err := NewFileEffect(x.dir, x.life)
		if err != nil {
			t.Fatal(err)
		}
		for _, token := range x.tokens {
			if s, err := e.Apply(context.Background(), token); s != history.OK || err != nil {
				t.Fatalf("apply: %v %v", s, err)
			}
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(a, "worker.stderr"), []byte("four\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	want := map[string]uint64{"one": 2, "two": 2, "three": 1, "": 1}
	if got := readBack(t, a, b); !maps.Equal(got, want) {
		t.Errorf("read back %v, want %v", got, want)
	}
}

func TestAnEffectIsInItsFileWhenApplyReturns(t *testing.T) {
	dir := t.TempDir()
	e, err := NewFileEffect(dir, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, err := e.Apply(context.Background(), "one"); err != nil {
		t.Fatal(err)
	}
	if got := readBack(t, dir); got["one"] != 1 {
		t.Errorf("read back %v before the file was closed: a killed life would have lost it", got)
	}
}

func TestALineWithoutItsEndIsNoEffect(t *testing.T) {
	for claim, c := range map[string]struct {
		content string
		want    map[string]uint64
	}{
		"a torn last line":   {"one\ntwo\nthr", map[string]uint64{"one": 1, "two": 1}},
		"nothing but a part": {"on", map[string]uint64{}},
		"a file of nothing":  {"", map[string]uint64{}},
		"a whole file":       {"one\n", map[string]uint64{"one": 1}},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "effects-00001.log"), []byte(c.content), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := readBack(t, dir); !maps.Equal(got, c.want) {
			t.Errorf("%s: read back %v, want %v", claim, got, c.want)
		}
	}
}

func TestEffectsThatCannotBeHadOrReadAreErrors(t *testing.T) {
	dir := t.TempDir()
	e, err := NewFileEffect(dir, 7)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewFileEffect(dir, 7); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a life's file was made twice: %v", err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err := e.Apply(context.Background(), "one"); s != history.Unknown || !errors.Is(err, ErrEffectLost) {
		t.Errorf("a file that can take no more: %v %v, want Unknown and ErrEffectLost", s, err)
	}
	stop := errors.New("enough")
	if err := os.WriteFile(filepath.Join(dir, "effects-00008.log"), []byte("one\ntwo\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	seen := 0
	if err := ReadFiles([]string{dir}, func(string, uint64) error { seen++; return stop }); !errors.Is(err, stop) || seen != 1 {
		t.Errorf("a reader that can take no more saw %d effects and the error is %v", seen, err)
	}
	if err := os.Mkdir(filepath.Join(dir, "effects-00009.log"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := ReadFiles([]string{dir}, func(string, uint64) error { return nil }); err == nil {
		t.Error("effects that cannot be read are no error: they would count as lost")
	}
}
