package kafka

import (
	"archive/zip"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// writeJar makes an archive with something in it.
func writeJar(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z := zip.NewWriter(f)
	w, err := z.Create("content")
	if err == nil {
		_, err = w.Write([]byte(content))
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
}

// installed is a folder that is complete.
func installed(t *testing.T) prepared {
	t.Helper()
	p := prepared{t.TempDir()}
	fetched := filepath.Join(p.dir, "fetched")
	writeJar(t, filepath.Join(fetched, "a.jar"), "one")
	writeJar(t, filepath.Join(fetched, "b.jar"), "other")
	if err := p.install(fetched); err != nil {
		t.Fatal(err)
	}
	if err := p.whole(); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDamageIsSeen(t *testing.T) {
	for _, c := range []struct {
		claim  string
		damage func(t *testing.T, p prepared)
		is     error
		says   string
	}{
		{"a jar that was cut short", func(t *testing.T, p prepared) { truncate(t, filepath.Join(p.libs(), "a.jar")) }, errJar, "bytes, want"},
		{"a jar of the same size with another content", func(t *testing.T, p prepared) { flip(t, filepath.Join(p.libs(), "b.jar")) }, errJar, "checksum"},
		{"a jar that is gone", func(t *testing.T, p prepared) { remove(t, filepath.Join(p.libs(), "a.jar")) }, errJar, "a.jar"},
		{"a jar too many", func(t *testing.T, p prepared) { writeJar(t, filepath.Join(p.libs(), "c.jar"), "") }, errJar, "c.jar does not belong"},
		{"an installation that did not come to its end", func(t *testing.T, p prepared) { remove(t, p.sums()) }, fs.ErrNotExist, "not complete"},
		{"a list that was cut short", func(t *testing.T, p prepared) { truncate(t, p.sums()) }, nil, "b has 0 bytes"},
	} {
		p := installed(t)
		c.damage(t, p)
		err := p.whole()
		if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.claim, err)
		}
	}
}

func truncate(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err == nil {
		err = os.Truncate(path, info.Size()-5)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func flip(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsDamagedIsFetchedAgain(t *testing.T) {
	source := t.TempDir()
	writeJar(t, filepath.Join(source, "a.jar"), "one")
	fakeMaven(t, "mkdir -p $OUT && cp "+source+"/* $OUT && echo fetched >> "+source+".log")
	fetches := func() int {
		log, _ := os.ReadFile(source + ".log")
		return strings.Count(string(log), "fetched")
	}
	p := prepared{t.TempDir()}
	complete := func() error { return p.complete(t.Context(), "4.1.0", t.Logf) }
	if err := complete(); err != nil || fetches() != 1 {
		t.Fatal(err, fetches())
	}
	if err := complete(); err != nil || fetches() != 1 {
		t.Errorf("what is whole was fetched again, %d times in all: %v", fetches(), err)
	}
	truncate(t, filepath.Join(p.libs(), "a.jar"))
	archive := filepath.Join(p.dir, "classes-17.jsa")
	if err := os.WriteFile(archive, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := complete(); err != nil || fetches() != 2 || p.whole() != nil {
		t.Errorf("fetched %d times in all: %v, %v", fetches(), err, p.whole())
	}
	if _, err := os.Stat(archive); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an archive of the classes of other jars is still there: %v", err)
	}
	truncate(t, filepath.Join(p.libs(), "a.jar"))
	truncate(t, filepath.Join(source, "a.jar")) // Maven's own copy
	if err := complete(); err == nil || !strings.Contains(err.Error(), "a.jar is damaged: remove it where Maven keeps it") {
		t.Errorf("a damaged jar from Maven: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(p.dir, ".fetch-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestSumsAreReadAsWritten(t *testing.T) {
	js := []jar{{"a.jar", 0, strings.Repeat("0", 64)}, {"b.jar", 1 << 40, strings.Repeat("f", 64)}}
	got, err := parseSums(sumsText(js))
	if diff := cmp.Diff(js, got, cmp.AllowUnexported(jar{})); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func FuzzParseSums(f *testing.F) {
	f.Add(sumsText([]jar{{"a.jar", 10, strings.Repeat("0", 64)}}))
	f.Add("x y\n")
	f.Fuzz(func(t *testing.T, text string) {
		js, err := parseSums(text)
		if err != nil {
			return
		}
		again, err := parseSums(sumsText(js))
		if diff := cmp.Diff(js, again, cmp.AllowUnexported(jar{})); err != nil || diff != "" {
			t.Error(err, diff)
		}
	})
}
