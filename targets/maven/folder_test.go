package maven

import (
	"archive/zip"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"waybill/targets/maven/maventest"
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
func installed(t *testing.T) Folder {
	t.Helper()
	p := Folder{t.TempDir()}
	fetched := filepath.Join(p.Dir, "fetched")
	writeJar(t, filepath.Join(fetched, "a.jar"), "one")
	writeJar(t, filepath.Join(fetched, "b.jar"), "other")
	if err := p.install(fetched, nil); err != nil {
		t.Fatal(err)
	}
	if err := p.Whole(); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDamageIsSeen(t *testing.T) {
	for _, c := range []struct {
		claim  string
		damage func(t *testing.T, p Folder)
		is     error
		says   string
	}{
		{"a jar that was cut short", func(t *testing.T, p Folder) { truncate(t, filepath.Join(p.Libs(), "a.jar")) }, ErrDamaged, "bytes, want"},
		{"a jar of the same size with another content", func(t *testing.T, p Folder) { flip(t, filepath.Join(p.Libs(), "b.jar")) }, ErrDamaged, "checksum"},
		{"a jar that is gone", func(t *testing.T, p Folder) { remove(t, filepath.Join(p.Libs(), "a.jar")) }, ErrDamaged, "a.jar"},
		{"a jar too many", func(t *testing.T, p Folder) { writeJar(t, filepath.Join(p.Libs(), "c.jar"), "") }, ErrDamaged, "c.jar does not belong"},
		{"an installation that did not come to its end", func(t *testing.T, p Folder) { remove(t, p.Sums()) }, fs.ErrNotExist, "not complete"},
		{"a list that was cut short", func(t *testing.T, p Folder) { truncate(t, p.Sums()) }, nil, "b has 0 bytes"},
	} {
		p := installed(t)
		c.damage(t, p)
		err := p.Whole()
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
	maventest.Maven(t, "mkdir -p $OUT && cp "+source+"/* $OUT && echo fetched >> "+source+".log")
	fetches := func() int {
		log, _ := os.ReadFile(source + ".log")
		return strings.Count(string(log), "fetched")
	}
	p, set := Folder{t.TempDir()}, Set{Name: "some 1.0", Size: "1 MB", POM: "<project/>", Made: []string{"classes-*.jsa"}}
	complete := func() error { return set.Complete(t.Context(), p, t.Logf) }
	if err := complete(); err != nil || fetches() != 1 {
		t.Fatal(err, fetches())
	}
	if err := complete(); err != nil || fetches() != 1 {
		t.Errorf("what is whole was fetched again, %d times in all: %v", fetches(), err)
	}
	truncate(t, filepath.Join(p.Libs(), "a.jar"))
	archive := filepath.Join(p.Dir, "classes-17.jsa")
	if err := os.WriteFile(archive, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := complete(); err != nil || fetches() != 2 || p.Whole() != nil {
		t.Errorf("fetched %d times in all: %v, %v", fetches(), err, p.Whole())
	}
	if _, err := os.Stat(archive); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an archive of the classes of other jars is still there: %v", err)
	}
	truncate(t, filepath.Join(p.Libs(), "a.jar"))
	truncate(t, filepath.Join(source, "a.jar")) // Maven's own copy
	if err := complete(); err == nil || !strings.Contains(err.Error(), "a.jar is damaged: remove it where Maven keeps it") {
		t.Errorf("a damaged jar from Maven: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(p.Dir, ".fetch-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
