package disk

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"waybill/harness/lab"
	"waybill/harness/lab/labtest"
	"waybill/harness/reexec"
)

func init() {
	reexec.Register("t-random", func(args []string) int { return told(random(args[0], args[1], args[2])) })
}

// random does what a seed says to the files of a folder, through system calls, and keeps an oracle beside. Then it
// writes what must survive to a plain file, says so, and waits to be killed.
func random(dir, number, result string) error {
	seed, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(seed, 1))
	names := map[string]*oracleFile{}
	path := func(name string) string { return filepath.Join(dir, name) }
	name := func() string { return string(rune('p' + r.IntN(3))) }
	for step := range 40 + r.IntN(40) {
		n := name()
		f := names[n]
		if f == nil {
			f = &oracleFile{}
			names[n] = f
		}
		fd, err := open(dir, n, unix.O_RDWR)
		if err != nil {
			return err
		}
		if err := randomStep(r, fd, f); err != nil {
			return fmt.Errorf("step %d: %w", step, err)
		}
		if got := contentOf(dir, n); got != string(f.seen) {
			return fmt.Errorf("step %d: a file of %d bytes reads as %d bytes, or others", step, len(f.seen), len(got))
		}
		if err := unix.Close(fd); err != nil {
			return err
		}
		switch to := name(); r.IntN(8) {
		case 0:
			if err := os.Rename(path(n), path(to)); err != nil {
				return err
			}
			if f != names[to] { // two names of one file stay
				delete(names, n)
				names[to] = f
			}
		case 1:
			if err := os.Remove(path(n)); err != nil {
				return err
			}
			delete(names, n)
		case 2:
			if names[to] == nil {
				if err := os.Link(path(n), path(to)); err != nil {
					return err
				}
				names[to] = f
			}
		}
	}
	synced := map[string][]byte{}
	for n, f := range names {
		synced[n] = append([]byte{}, f.synced...)
	}
	text, err := json.Marshal(synced)
	if err != nil {
		return err
	}
	if err := os.WriteFile(result, text, 0o644); err != nil {
		return err
	}
	if _, err := lab.Control().Write([]byte("ready\n")); err != nil {
		return err
	}
	_, _ = lab.Control().Read(make([]byte, 1))
	return nil
}

// randomStep does one thing to an open file.
func randomStep(r *rand.Rand, fd int, f *oracleFile) error {
	data := make([]byte, 1+r.IntN(2*pageSize))
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	switch r.IntN(6) {
	case 0, 1:
		at := r.IntN(len(f.seen) + pageSize)
		f.write(at, data)
		_, err := unix.Pwrite(fd, data, int64(at))
		return err
	case 2:
		f.sync()
		if r.IntN(2) == 0 {
			return unix.Fsync(fd)
		}
		return unix.Fdatasync(fd)
	case 3:
		size := r.IntN(len(f.seen) + 2*pageSize)
		f.resize(size)
		return unix.Ftruncate(fd, int64(size))
	default:
		if len(f.seen) == 0 {
			return nil
		}
		m, err := unix.Mmap(fd, 0, len(f.seen), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		if err != nil {
			return err
		}
		at := r.IntN(len(f.seen))
		data = data[:min(len(data), len(f.seen)-at)]
		copy(m[at:], data)
		f.write(at, data)
		if r.IntN(2) == 0 {
			f.sync()
			if err := unix.Msync(m, unix.MS_SYNC); err != nil {
				return err
			}
		}
		return unix.Munmap(m)
	}
}

func TestARandomProgramsFilesHoldWhatItSyncedAndNothingElse(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		m := boot(t, l, start(t), "n1", "lazy")
		for seed := range 25 {
			own, result := filepath.Join(m.dir, fmt.Sprint(seed)), filepath.Join(m.host.Dir(), fmt.Sprint(seed, ".json"))
			m.run("t-mkdir", own)
			awaitLine(t, m.start("t-random", own, fmt.Sprint(seed), result), "ready\n")
			m.fail()
			text, err := os.ReadFile(result)
			must(t, err)
			var want map[string][]byte
			must(t, json.Unmarshal(text, &want))
			for name, content := range want {
				if got := contentOf(own, name); got != string(content) {
					t.Errorf("seed %d, %s: %d bytes, want exactly the %d synced ones", seed, name, len(got), len(content))
				}
			}
			left, err := os.ReadDir(own)
			must(t, err)
			if len(left) != len(want) {
				t.Errorf("seed %d: %v are left, want %d files", seed, left, len(want))
			}
		}
	})
}
