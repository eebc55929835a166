package disk

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"waybill/harness/lab"
	"waybill/harness/reexec"
)

// Programs that tests start on hosts. Each takes folders of disks as its first arguments.
func init() {
	reexec.Register("t-behave", behave)
	reexec.Register("t-append", appendSynced)
	reexec.Register("t-after", afterPlug)
	reexec.Register("t-map", mapFile)
	reexec.Register("t-file", writeFile)
	reexec.Register("t-expect", expectFile)
	reexec.Register("t-mkdir", func(args []string) int { return told(os.Mkdir(args[0], 0o755)) })
	reexec.Register("t-remove", func(args []string) int { _ = os.Remove(filepath.Join(args[0], args[1])); return 0 })
}

func open(dir, name string, flags int) (int, error) {
	return unix.Open(filepath.Join(dir, name), flags|unix.O_CREAT|unix.O_CLOEXEC, 0o640)
}

// filled is an open new file with n bytes.
func filled(dir, name string, n int) (int, error) {
	fd, err := open(dir, name, unix.O_RDWR|unix.O_TRUNC)
	if err == nil {
		_, err = unix.Write(fd, []byte(strings.Repeat("0123456789", n/10+1)[:n]))
	}
	return fd, err
}

func contentOf(dir, name string) string {
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return err.(*os.PathError).Err.Error()
	}
	return string(text)
}

func size(fd int) (int64, int64, error) {
	var st unix.Stat_t
	err := unix.Fstat(fd, &st)
	return st.Size, int64(st.Nlink), err
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func dup(fd int) int {
	n, err := unix.Dup(fd)
	if err != nil {
		return -1
	}
	return n
}

// appendSynced appends numbers to the file "numbers" of each folder in turn, syncs after each, and reports each on
// the control socket only then. With "mapped" it writes through a mapping and msync.
func appendSynced(args []string) int {
	mapped := args[len(args)-1] == "mapped"
	if mapped {
		args = args[:len(args)-1]
	}
	var files []int
	var mappings [][]byte
	for _, dir := range args {
		fd, err := open(dir, "numbers", unix.O_RDWR)
		if err == nil {
			err = unix.Ftruncate(fd, numbersSize)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		m, err := unix.Mmap(fd, 0, numbersSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		files, mappings = append(files, fd), append(mappings, m)
	}
	report := bufio.NewWriterSize(lab.Control(), 8)
	for n := uint64(1); n < numbersSize/8; n++ {
		for i, fd := range files {
			number := binary.BigEndian.AppendUint64(nil, n)
			if err := put(fd, mappings[i], number, int64(8*n), mapped); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
			if _, err := report.Write(number); err != nil {
				return 1
			}
			_ = report.Flush()
		}
	}
	_, _ = io.Copy(io.Discard, lab.Control()) // until it is killed
	return 0
}

// numbersSize is how long the file of numbers is, in bytes.
const numbersSize = 1 << 20

func put(fd int, mapping, number []byte, at int64, mapped bool) error {
	if mapped {
		copy(mapping[at:], number)
		return unix.Msync(mapping, unix.MS_SYNC)
	}
	if _, err := unix.Pwrite(fd, number, at); err != nil {
		return err
	}
	return unix.Fdatasync(fd)
}

// afterPlug opens what it needs, says so, waits for a byte, and then tries everything that changes a disk at once, each
// in a thread of its own. It reports what comes back.
func afterPlug(args []string) int {
	dir := args[0]
	fd, err := filled(dir, "file", 100)
	if err == nil {
		err = unix.Fsync(fd)
	}
	other := filepath.Join(dir, "other")
	if err == nil {
		err = os.Mkdir(other, 0o755)
	}
	folder, err2 := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	// In files of their own, since the kernel lets nobody read a page, or sync a file, while it waits for a write to it.
	mapped, err3 := filled(dir, "mapped", 100)
	readable, err4 := filled(dir, "readable", 100)
	m, err5 := unix.Mmap(mapped, 0, 100, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err := first(err, err2, err3, err4, err5); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Fprintln(lab.Control(), "ready")
	if _, err := lab.Control().Read(make([]byte, 1)); err != nil {
		return 1
	}
	path := func(name string) string { return filepath.Join(dir, name) }
	tries := map[string]func() error{
		"write":     func() error { _, err := unix.Pwrite(fd, []byte("x"), 3); return err },
		"fsync":     func() error { return unix.Fsync(fd) },
		"fdatasync": func() error { return unix.Fdatasync(fd) },
		"fsync dir": func() error { return unix.Fsync(folder) },
		"create":    func() error { _, err := open(dir, "new", unix.O_RDWR); return err },
		"mkdir":     func() error { return unix.Mkdir(path("folder"), 0o755) },
		"rename":    func() error { return unix.Rename(path("file"), path("renamed")) },
		"unlink":    func() error { return unix.Unlink(path("file")) },
		"link":      func() error { return unix.Link(path("file"), path("linked")) },
		"symlink":   func() error { return unix.Symlink("file", path("pointer")) },
		"truncate":  func() error { return unix.Ftruncate(fd, 5) },
		"allocate":  func() error { return unix.Fallocate(fd, 0, 0, 5000) },
		"chmod":     func() error { return unix.Fchmod(fd, 0o600) },
		"msync":     func() error { copy(m, "mapped"); return unix.Msync(m, unix.MS_SYNC) },
		"read":      func() error { _, err := unix.Pread(readable, make([]byte, 10), 50); return err },
		"stat":      func() error { _, err := os.Stat(path("file")); return err },
		"list":      func() error { _, err := os.ReadDir(other); return err },
		"close":     func() error { return unix.Close(dup(folder)) },
	}
	for _, name := range slices.Sorted(maps.Keys(tries)) {
		go func() {
			err := tries[name]()
			fmt.Fprintf(lab.Control(), "%s: %v\n", name, err)
		}()
	}
	_, _ = io.Copy(io.Discard, lab.Control()) // until it is killed
	return 0
}

// mapFile changes a mapping, says so, and waits to be killed.
func mapFile(args []string) int {
	fd, err := filled(args[0], "mapped", 100)
	if err == nil {
		err = unix.Fsync(fd)
	}
	m, err2 := unix.Mmap(fd, 0, 100, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err := first(err, err2); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	copy(m, "through memory")
	fmt.Fprintln(lab.Control(), "ready")
	_, _ = io.Copy(io.Discard, lab.Control())
	return 0
}

// writeFile writes args[2] to the file args[1] in the way args[3], says so, and waits to be killed.
func writeFile(args []string) int {
	dir, name, text, way := args[0], args[1], args[2], args[3]
	flags := map[string]int{"O_SYNC": unix.O_SYNC, "O_DSYNC": unix.O_DSYNC}[way]
	fd, err := open(dir, name, unix.O_WRONLY|flags)
	if err == nil {
		_, err = unix.Write(fd, []byte(text))
	}
	if err == nil {
		switch way {
		case "fsync":
			err = unix.Fsync(fd)
		case "fdatasync":
			err = unix.Fdatasync(fd)
		case "close":
			err = unix.Close(fd)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Fprintln(lab.Control(), "ready")
	_, _ = io.Copy(io.Discard, lab.Control())
	return 0
}

// expectFile fails unless the file args[1] begins with args[2].
func expectFile(args []string) int {
	if got := contentOf(args[0], args[1]); !strings.HasPrefix(got, args[2]) {
		fmt.Fprintf(os.Stderr, "%s has %q, want %q", args[1], got, args[2])
		return 1
	}
	return 0
}
