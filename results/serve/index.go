package serve

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"waybill/results"
)

// MaxDepth is how many folders deep run directories are looked for.
const MaxDepth = 5

// settled is how old a folder's stamp must be before what was read under it is believed to be all: file systems stamp in steps of milliseconds.
const settled = 100 * time.Millisecond

// index knows the runs and benchmarks below a folder. What it has read it keeps as long as the folder's stamp stays the same: every file of a run
// directory is replaced whole, by another of a name of its own, which changes the stamp.
type index struct {
	root *os.Root
	dir  string

	mu      sync.Mutex
	runs    map[string]kept[Run]
	benches map[string]kept[Bench]
}

// kept is something read, and when it was true.
type kept[T any] struct {
	value T
	stamp time.Time // of the folder
	read  time.Time
}

func (k kept[T]) holds(stamp time.Time) bool {
	return !k.read.IsZero() && k.stamp.Equal(stamp) && k.read.Sub(stamp) > settled
}

func newIndex(root *os.Root, dir string) *index {
	return &index{root: root, dir: dir, runs: map[string]kept[Run]{}, benches: map[string]kept[Bench]{}}
}

// kind is what a folder is, by what it holds.
type kind int

const (
	plain kind = iota
	aRun
	aBench
)

// is looks at a folder below the root. Links are not followed: what they lead to is listed where it lies, or not at all.
func (x *index) is(at string) (kind, time.Time) {
	s, err := x.root.Lstat(at)
	if err != nil || !s.IsDir() {
		return plain, time.Time{}
	}
	switch {
	case x.file(path.Join(at, "manifest.json")) && x.file(path.Join(at, "experiment.yaml")):
		return aRun, s.ModTime()
	case x.file(path.Join(at, "bench.yaml")):
		return aBench, s.ModTime()
	}
	return plain, s.ModTime()
}

func (x *index) file(at string) bool {
	s, err := x.root.Lstat(at)
	return err == nil && s.Mode().IsRegular()
}

// path is where a folder below the root lies for those who open it by name.
func (x *index) path(at string) string { return filepath.Join(x.dir, filepath.FromSlash(at)) }

// whole refuses parts of a run directory that are links or anything else but files and folders: they could lead out of it.
func (x *index) whole(at string) func(names ...string) error {
	return func(names ...string) error {
		for _, name := range names {
			s, err := x.root.Lstat(path.Join(at, name))
			if err == nil && !s.Mode().IsRegular() && !s.IsDir() {
				return fmt.Errorf("serve: %s is neither a file nor a folder: it is not read", name)
			}
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("serve: %w", err)
			}
		}
		return nil
	}
}

// run is what is known of the run directory at a path; ok is false where there is none.
func (x *index) run(at string) (r Run, d results.Dir, ok bool) {
	k, stamp := x.is(at)
	if k != aRun {
		return Run{}, "", false
	}
	d = results.Dir(x.path(at))
	r = remembered(x, x.runs, at, stamp, func() Run { return readRun(at, d, x.whole(at)) })
	r.alive(d)
	return r, d, true
}

// remembered is what was read under a stamp, or what read finds now.
func remembered[T any](x *index, in map[string]kept[T], at string, stamp time.Time, read func() T) T {
	x.mu.Lock()
	k := in[at]
	x.mu.Unlock()
	if k.holds(stamp) {
		return k.value
	}
	k = kept[T]{stamp: stamp, read: time.Now()}
	k.value = read()
	x.mu.Lock()
	in[at] = k
	x.mu.Unlock()
	return k.value
}

// all reads everything below the folder, several directories at a time.
func (x *index) all() (runs []Run, benches []Bench, err error) {
	at := map[kind][]string{}
	if err := x.walk(".", 0, at); err != nil {
		return nil, nil, err
	}
	x.forget(at)
	runs, benches = make([]Run, len(at[aRun])), make([]Bench, len(at[aBench]))
	room := make(chan struct{}, runtime.GOMAXPROCS(0))
	var readers sync.WaitGroup
	for i, p := range at[aRun] {
		room <- struct{}{}
		readers.Go(func() { defer func() { <-room }(); runs[i], _, _ = x.run(p) })
	}
	for i, p := range at[aBench] {
		room <- struct{}{}
		readers.Go(func() { defer func() { <-room }(); benches[i], _, _ = x.bench(p) })
	}
	readers.Wait()
	return runs, benches, nil
}

// walk finds run directories and benchmarks. It goes on below a benchmark, whose runs are kept there, and not below a run.
func (x *index) walk(at string, depth int, found map[kind][]string) error {
	x.mu.Lock()
	known := !x.runs[at].read.IsZero()
	x.mu.Unlock()
	if known {
		if k, _ := x.is(at); k == aRun {
			found[aRun] = append(found[aRun], at)
			return nil
		}
	}
	entries, err := fs.ReadDir(x.root.FS(), at)
	if errors.Is(err, fs.ErrNotExist) && at != "." {
		return nil // removed meanwhile
	}
	if err != nil {
		if at != "." {
			return nil // one folder that is not ours to read does not hide the others
		}
		return fmt.Errorf("serve: %w", err)
	}
	has := map[string]bool{}
	for _, e := range entries {
		has[e.Name()] = e.Type().IsRegular()
	}
	switch {
	case has["manifest.json"] && has["experiment.yaml"]:
		found[aRun] = append(found[aRun], at)
		return nil
	case has["bench.yaml"]:
		found[aBench] = append(found[aBench], at)
	}
	if depth == MaxDepth {
		return nil
	}
	for _, e := range entries {
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if err := x.walk(path.Join(at, e.Name()), depth+1, found); err != nil {
			return err
		}
	}
	return nil
}

// forget lets go of what is not there any more.
func (x *index) forget(found map[kind][]string) {
	there := map[string]bool{}
	for _, paths := range found {
		for _, p := range paths {
			there[p] = true
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for p := range x.runs {
		if !there[p] {
			delete(x.runs, p)
		}
	}
	for p := range x.benches {
		if !there[p] {
			delete(x.benches, p)
		}
	}
}

// split finds the innermost run directory or benchmark that a path of a request leads into, and what is left of it. ok is false for
// a path into none, and for one that is no clean path below the folder.
func (x *index) split(p string, want kind) (at, rest string, ok bool) {
	p = strings.TrimSuffix(p, "/")
	if p == "" || !fs.ValidPath(p) || strings.ContainsAny(p, "\\\x00") {
		return "", "", false
	}
	for at := p; at != "."; at = path.Dir(at) {
		if k, _ := x.is(at); k == want {
			return at, strings.TrimPrefix(strings.TrimPrefix(p, at), "/"), true
		}
	}
	return "", "", false
}
