package disk

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// trial is one random history on a disk and on the oracle.
type trial struct {
	*oracle
	v       *volume
	random  *rand.Rand
	dirs    map[string]*node
	folders []string
	nodes   map[*oracleFile]*node
	log     []string
}

func newTrial(t testing.TB, dir string, seed uint64, m Model) *trial {
	t.Helper()
	folders := []string{"", "a", "b"}
	backing := filepath.Join(dir, "disk")
	for _, f := range folders {
		must(t, os.MkdirAll(filepath.Join(backing, f), 0o755))
	}
	mem := newMemory(1 << 30)
	v, err := newVolume("d", backing, m, seed, &gate{}, mem)
	must(t, err)
	x := &trial{
		oracle: &oracle{
			strict: m.kind == strict, age: m.writeback, now: time.Unix(1e9, 0),
			seen: map[string]map[string]*oracleFile{}, kept: map[string]map[string]*oracleFile{},
		},
		v: v, random: rand.New(rand.NewPCG(seed, 0)), folders: folders, dirs: map[string]*node{}, nodes: map[*oracleFile]*node{},
	}
	v.now = func() time.Time { return x.now }
	for _, f := range folders {
		x.seen[f], x.kept[f] = map[string]*oracleFile{}, map[string]*oracleFile{}
	}
	must(t, x.look())
	return x
}

// look finds the folders again, as a new mount does.
func (x *trial) look() error {
	for _, f := range x.folders {
		x.dirs[f] = x.v.root
		if f != "" {
			n, err := x.v.lookup(x.v.root, f)
			if err != nil {
				return err
			}
			x.dirs[f] = n
		}
	}
	return nil
}

// unlook gives every node back, as the end of a mount does.
func (x *trial) unlook() {
	for f, n := range x.dirs {
		if f != "" {
			x.v.release(n, 1)
		}
	}
	for _, n := range x.nodes {
		x.v.release(n, 1)
	}
	clear(x.nodes)
}

func (x *trial) place() (dir, name string) {
	return x.folders[x.random.IntN(len(x.folders))], string(rune('p' + x.random.IntN(4)))
}

// file is some file that is open, and its node.
func (x *trial) file() (*oracleFile, *node) {
	var open []*oracleFile
	for _, f := range x.files {
		if x.nodes[f] != nil {
			open = append(open, f)
		}
	}
	if len(open) == 0 {
		return nil, nil
	}
	f := open[x.random.IntN(len(open))]
	return f, x.nodes[f]
}

func (x *trial) data() []byte {
	sizes := []int{1, 10, 700, pageSize - 1, pageSize, pageSize + 1, 3 * pageSize}
	data := make([]byte, sizes[x.random.IntN(len(sizes))])
	fill := byte(1 + x.random.IntN(255))
	for i := range data {
		data[i] = fill
	}
	return data
}

// step does one random thing. An error is a difference between the disk and the oracle.
func (x *trial) step() error {
	x.now = x.now.Add(time.Duration(x.random.IntN(3)) * time.Second)
	if x.age > 0 {
		x.v.writeBack()
		for _, f := range x.files {
			if !f.since.IsZero() && f.since.Before(x.now.Add(-x.age)) {
				f.sync()
			}
		}
	}
	f, n := x.file()
	kind := x.random.IntN(14)
	if f == nil {
		kind = 0
	}
	switch kind {
	case 0, 1:
		return x.create()
	case 2, 3:
		data, at := x.data(), 0
		if x.random.IntN(2) == 0 {
			at = len(f.seen)
		} else {
			at = x.random.IntN(len(f.seen) + 2*pageSize)
		}
		durable := x.random.IntN(6) == 0
		x.logf("write %d at %d durable %v", len(data), at, durable)
		f.write(at, data)
		x.changed(f)
		if durable {
			f.sync()
		}
		return x.v.write(nil, n, data, int64(at), durable)
	case 4, 5:
		x.logf("fsync")
		f.sync()
		return x.v.fsync(nil, n)
	case 6:
		size := x.random.IntN(len(f.seen) + pageSize)
		x.logf("truncate %d to %d", len(f.seen), size)
		if size != len(f.seen) {
			f.resize(size)
			x.changed(f)
		}
		return x.v.truncate(nil, n, int64(size))
	case 7:
		at, length := x.random.IntN(len(f.seen)+pageSize), 1+x.random.IntN(pageSize)
		x.logf("allocate %d at %d", length, at)
		if at+length > len(f.seen) {
			f.resize(at + length)
			x.changed(f)
		}
		return x.v.allocate(nil, n, 0, int64(at), int64(length))
	case 8:
		return x.rename()
	case 9:
		dir, name := x.place()
		x.logf("unlink %s/%s", dir, name)
		err := x.v.unlink(nil, x.dirs[dir], name)
		if x.seen[dir][name] == nil {
			return expect(err, unix.ENOENT)
		}
		delete(x.seen[dir], name)
		return err
	case 10:
		dir, name := x.place()
		x.logf("link to %s/%s", dir, name)
		if x.names(f) == 0 {
			return nil // a file without a name cannot be given one
		}
		err := x.v.link(nil, n, x.dirs[dir], name)
		if x.seen[dir][name] != nil {
			return expect(err, unix.EEXIST)
		}
		x.seen[dir][name] = f
		return err
	case 11:
		dir, _ := x.place()
		x.logf("fsync of folder %q", dir)
		x.kept[dir] = maps.Clone(x.seen[dir])
		return x.v.fsyncdir(nil, x.dirs[dir])
	case 12:
		x.logf("close")
		delete(x.nodes, f)
		x.v.release(n, 1)
		return nil
	default:
		return x.compare(f, n)
	}
}

func (x *trial) names(f *oracleFile) (n int) {
	for _, folder := range x.seen {
		for _, other := range folder {
			if other == f {
				n++
			}
		}
	}
	return n
}

func (x *trial) create() error {
	dir, name := x.place()
	x.logf("create %s/%s", dir, name)
	f := x.seen[dir][name]
	if f == nil {
		f = &oracleFile{}
		x.files = append(x.files, f)
		x.seen[dir][name] = f
	}
	n, err := x.v.create(nil, x.dirs[dir], name, 0, 0o644, owner{uint32(os.Geteuid()), uint32(os.Getegid())})
	if err != nil {
		return err
	}
	if x.nodes[f] != nil {
		x.v.release(n, 1)
		if n != x.nodes[f] {
			return errors.New("the same file is two nodes")
		}
	}
	x.nodes[f] = n
	return nil
}

func (x *trial) rename() error {
	from, name := x.place()
	to, target := x.place()
	flags := []uint32{0, 0, unix.RENAME_NOREPLACE, unix.RENAME_EXCHANGE}[x.random.IntN(4)]
	x.logf("rename %s/%s to %s/%s flags %d", from, name, to, target, flags)
	err := x.v.rename(nil, x.dirs[from], name, x.dirs[to], target, flags)
	moved, replaced := x.seen[from][name], x.seen[to][target]
	switch {
	case moved == nil || replaced == nil && flags == unix.RENAME_EXCHANGE:
		return expect(err, unix.ENOENT)
	case replaced != nil && flags == unix.RENAME_NOREPLACE:
		return expect(err, unix.EEXIST)
	case moved == replaced:
		return err // two names of one file: nothing happens, says rename(2)
	case flags == unix.RENAME_EXCHANGE:
		x.seen[from][name], x.seen[to][target] = replaced, moved
	default:
		delete(x.seen[from], name)
		x.seen[to][target] = moved
	}
	return err
}

func expect(got, want error) error {
	if !errors.Is(got, want) {
		return fmt.Errorf("got %v, want %v", got, want)
	}
	return nil
}

// compare reads a file through the disk.
func (x *trial) compare(f *oracleFile, n *node) error {
	at := x.random.IntN(len(f.seen) + 10)
	out := make([]byte, 1+x.random.IntN(3*pageSize))
	got, err := x.v.read(n, out, int64(at))
	if err != nil {
		return err
	}
	want := f.seen[min(at, len(f.seen)):min(at+len(out), len(f.seen))]
	x.logf("read %d at %d of %d", len(out), at, len(f.seen))
	if !bytes.Equal(out[:got], want) {
		return fmt.Errorf("read %d bytes, want %d, or others", got, len(want))
	}
	return nil
}

// powerFailure pulls the plug, forgets, and compares the backing folder with what may be there.
func (x *trial) powerFailure() error {
	x.logf("power failure")
	x.v.supply.gate.Lock()
	x.v.supply.unplug(x.now)
	x.v.supply.gate.Unlock()
	want := x.seen
	if x.strict {
		want = x.kept
	}
	x.unlook()
	loss, err := x.v.forget()
	if err != nil {
		return err
	}
	forgotten := map[string]int64{}
	for _, f := range loss.Files {
		forgotten[f.Path] = f.Forgotten
	}
	checked := map[*oracleFile]bool{}
	for _, dir := range x.folders {
		for name, f := range want[dir] {
			path := filepath.Join(dir, name)
			got, err := os.ReadFile(filepath.Join(x.v.backing, path))
			if err != nil {
				return err
			}
			if checked[f] {
				if !bytes.Equal(got, f.seen) {
					return fmt.Errorf("%s: two names of a file with two contents", path)
				}
				continue
			}
			checked[f] = true
			if x.v.model.kind == lazy && x.once(want, f) && forgotten[path] != f.forgotten() {
				return fmt.Errorf("%s: %d bytes reported forgotten, want %d", path, forgotten[path], f.forgotten())
			}
			if err := f.crash(got, x.v.model.kind == torn); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
		found, err := os.ReadDir(filepath.Join(x.v.backing, dir))
		if err != nil {
			return err
		}
		for _, e := range found {
			if !e.IsDir() && want[dir][e.Name()] == nil {
				return fmt.Errorf("%s/%s should not be there", dir, e.Name())
			}
		}
	}
	x.files = slices.DeleteFunc(x.files, func(f *oracleFile) bool { return !checked[f] })
	for _, dir := range x.folders {
		x.seen[dir], x.kept[dir] = maps.Clone(want[dir]), maps.Clone(want[dir])
	}
	if held := x.v.memory.held.Load(); held != 0 || len(x.v.memory.dirty) != 0 {
		return fmt.Errorf("%d bytes and %d files still count as unsynced", held, len(x.v.memory.dirty))
	}
	if n := len(x.v.nodes); n != 1 {
		return fmt.Errorf("%d nodes are left, want the root alone", n)
	}
	return x.look()
}

// once reports whether a file has one name, by which its loss must be told.
func (x *trial) once(in map[string]map[string]*oracleFile, f *oracleFile) bool {
	n := 0
	for _, folder := range in {
		for _, other := range folder {
			if other == f {
				n++
			}
		}
	}
	return n == 1
}

func (x *trial) logf(format string, args ...any) { x.log = append(x.log, fmt.Sprintf(format, args...)) }

func (x *trial) run() error {
	for range 2 {
		for range 10 + x.random.IntN(40) {
			if err := x.step(); err != nil {
				return err
			}
		}
		if err := x.powerFailure(); err != nil {
			return err
		}
	}
	return nil
}

func TestAfterAPowerFailureADiskHoldsWhatItsModelSays(t *testing.T) {
	seeds := map[string]uint64{"lazy": 700, "strict": 600, "torn": 400, "writeback=5s": 300}
	for name, n := range seeds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := ParseModel(name)
			must(t, err)
			root := memoryDir(t)
			for seed := range n {
				dir := filepath.Join(root, "trial")
				x := newTrial(t, dir, seed, m)
				err := x.run()
				x.unlook()
				x.v.close()
				must(t, os.RemoveAll(dir))
				if err != nil {
					t.Fatalf("seed %d: %v\n%s", seed, err, strings.Join(x.log, "\n"))
				}
			}
		})
	}
}

// memoryDir is a folder in memory where the machine has one: these tests make and remove files by the hundred thousand.
func memoryDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "waybill-disk-*")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	return dir
}
