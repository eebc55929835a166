package disk

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// behaviour is something that brokers do with a file system: what it returns is to be the same on every one.
type behaviour struct {
	claim string
	do    func(dir string) (any, error)
}

var behaviours = []behaviour{
	{"what is written to a shared mapping is read back, and the other way round", func(dir string) (any, error) {
		fd, err := filled(dir, "map", 10000)
		if err != nil {
			return nil, err
		}
		m, err := unix.Mmap(fd, 0, 10000, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		if err != nil {
			return nil, err
		}
		copy(m[4090:], "mapped here")
		out := make([]byte, 20)
		if _, err := unix.Pread(fd, out, 4085); err != nil {
			return nil, err
		}
		if _, err := unix.Pwrite(fd, []byte("written"), 8190); err != nil {
			return nil, err
		}
		seen := string(m[8185:8200])
		if err := unix.Msync(m, unix.MS_SYNC); err != nil {
			return nil, err
		}
		copy(m[0:], "unmapped")
		if err := unix.Munmap(m); err != nil {
			return nil, err
		}
		return []string{string(out), seen, contentOf(dir, "map")}, unix.Close(fd)
	}},
	{"a mapping of a file made longer reaches its new end", func(dir string) (any, error) {
		fd, err := filled(dir, "index", 10)
		if err != nil {
			return nil, err
		}
		if err := unix.Ftruncate(fd, 3*pageSize); err != nil {
			return nil, err
		}
		m, err := unix.Mmap(fd, 0, 3*pageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		if err != nil {
			return nil, err
		}
		m[3*pageSize-1] = 'x'
		if err := unix.Munmap(m); err != nil {
			return nil, err
		}
		if err := unix.Ftruncate(fd, 2*pageSize); err != nil {
			return nil, err
		}
		if err := unix.Ftruncate(fd, 3*pageSize); err != nil {
			return nil, err
		}
		return contentOf(dir, "index"), unix.Close(fd)
	}},
	{"two who append never overwrite one another", func(dir string) (any, error) {
		one, err := open(dir, "log", unix.O_WRONLY|unix.O_APPEND)
		if err != nil {
			return nil, err
		}
		two, err := open(dir, "log", unix.O_RDWR|unix.O_APPEND)
		if err != nil {
			return nil, err
		}
		for i := range 50 {
			if _, err := unix.Write(one, fmt.Appendf(nil, "one %d\n", i)); err != nil {
				return nil, err
			}
			if _, err := unix.Write(two, fmt.Appendf(nil, "two %d\n", i)); err != nil {
				return nil, err
			}
			if i == 20 {
				if err := unix.Ftruncate(two, 10); err != nil {
					return nil, err
				}
			}
		}
		return contentOf(dir, "log"), nil
	}},
	{"fallocate lengthens, or with FALLOC_FL_KEEP_SIZE does not", func(dir string) (any, error) {
		fd, err := filled(dir, "allocated", 10)
		if err != nil {
			return nil, err
		}
		var sizes []int64
		for _, a := range []struct {
			mode        uint32
			off, length int64
		}{{0, 0, 5}, {0, 5, 5000}, {unix.FALLOC_FL_KEEP_SIZE, 0, 100000}} {
			if err := unix.Fallocate(fd, a.mode, a.off, a.length); err != nil {
				return nil, err
			}
			n, _, err := size(fd)
			if err != nil {
				return nil, err
			}
			sizes = append(sizes, n)
		}
		return sizes, nil
	}},
	{"a file renamed over an open one leaves it to who has it open", func(dir string) (any, error) {
		old, err := filled(dir, "old", 20)
		if err != nil {
			return nil, err
		}
		if _, err := filled(dir, "new", 5); err != nil {
			return nil, err
		}
		if err := os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "old")); err != nil {
			return nil, err
		}
		if _, err := unix.Pwrite(old, []byte("!"), 20); err != nil {
			return nil, err
		}
		n, links, err := size(old)
		return []any{contentOf(dir, "old"), contentOf(dir, "new"), n, links}, err
	}},
	{"a file whose name is gone can be written and read", func(dir string) (any, error) {
		fd, err := filled(dir, "gone", 100)
		if err != nil {
			return nil, err
		}
		if err := unix.Unlink(filepath.Join(dir, "gone")); err != nil {
			return nil, err
		}
		out := make([]byte, 200)
		if _, err := unix.Pwrite(fd, []byte("more"), 100); err != nil {
			return nil, err
		}
		n, err := unix.Pread(fd, out, 0)
		return string(out[:n]), first(err, unix.Fsync(fd))
	}},
	{"hard links are one file", func(dir string) (any, error) {
		fd, err := filled(dir, "first", 10)
		if err != nil {
			return nil, err
		}
		if err := os.Link(filepath.Join(dir, "first"), filepath.Join(dir, "second")); err != nil {
			return nil, err
		}
		if _, err := unix.Write(fd, []byte(" and more")); err != nil {
			return nil, err
		}
		_, two, err := size(fd)
		if err != nil {
			return nil, err
		}
		if err := os.Remove(filepath.Join(dir, "first")); err != nil {
			return nil, err
		}
		_, one, err := size(fd)
		return []any{contentOf(dir, "second"), two, one}, err
	}},
	{"renames keep to their flags", func(dir string) (any, error) {
		for _, name := range []string{"x", "y"} {
			if _, err := filled(dir, name, len(name)*7); err != nil {
				return nil, err
			}
		}
		if err := os.WriteFile(filepath.Join(dir, "x"), []byte("X"), 0o600); err != nil {
			return nil, err
		}
		x, y := filepath.Join(dir, "x"), filepath.Join(dir, "y")
		no := unix.Renameat2(unix.AT_FDCWD, x, unix.AT_FDCWD, y, unix.RENAME_NOREPLACE)
		swap := unix.Renameat2(unix.AT_FDCWD, x, unix.AT_FDCWD, y, unix.RENAME_EXCHANGE)
		return []any{fmt.Sprint(no), fmt.Sprint(swap), contentOf(dir, "x"), contentOf(dir, "y")}, nil
	}},
	{"locks exclude", func(dir string) (any, error) {
		one, err := filled(dir, "locked", 10)
		if err != nil {
			return nil, err
		}
		two, err := open(dir, "locked", unix.O_RDWR)
		if err != nil {
			return nil, err
		}
		first, second := unix.Flock(one, unix.LOCK_EX|unix.LOCK_NB), unix.Flock(two, unix.LOCK_EX|unix.LOCK_NB)
		l := unix.Flock_t{Type: unix.F_WRLCK, Len: 5}
		third := unix.FcntlFlock(uintptr(one), unix.F_OFD_SETLK, &l)
		fourth := unix.FcntlFlock(uintptr(two), unix.F_OFD_SETLK, &l)
		fifth := unix.FcntlFlock(uintptr(two), unix.F_SETLK, &l)
		return fmt.Sprint(first, second, third, fourth, fifth), nil
	}},
	{"a folder of a thousand lists each once, and removes", func(dir string) (any, error) {
		many := filepath.Join(dir, "many")
		if err := os.Mkdir(many, 0o755); err != nil {
			return nil, err
		}
		for i := range 1000 {
			if err := os.WriteFile(filepath.Join(many, fmt.Sprintf("a file with a longer name %d", i)), nil, 0o600); err != nil {
				return nil, err
			}
		}
		found, err := os.ReadDir(many)
		if err != nil {
			return nil, err
		}
		names := make([]string, len(found))
		for i, e := range found {
			names[i] = e.Name() + e.Type().String()
		}
		full := os.Remove(many).(*os.PathError).Err
		return []any{names, full.Error()}, os.RemoveAll(many)
	}},
	{"links, modes, times and special files are kept", func(dir string) (any, error) {
		at := time.Unix(1e9, 5000)
		link, fifo := filepath.Join(dir, "link"), filepath.Join(dir, "fifo")
		fd, err := filled(dir, "kept", 10)
		if err != nil {
			return nil, err
		}
		if err := first(os.Symlink("kept", link), unix.Mkfifo(fifo, 0o600), os.Chtimes(link, at, at), os.Chmod(link, 0o400),
			unix.Mknod(filepath.Join(dir, "node"), unix.S_IFREG|0o644, 0)); err != nil {
			return nil, err
		}
		info, err := os.Stat(filepath.Join(dir, "kept"))
		if err != nil {
			return nil, err
		}
		fifoInfo, err := os.Lstat(fifo)
		if err != nil {
			return nil, err
		}
		target, err := os.Readlink(link)
		if err != nil {
			return nil, err
		}
		if err := unix.Fchmod(fd, 0o600); err != nil {
			return nil, err
		}
		device := unix.Mknod(filepath.Join(dir, "device"), unix.S_IFREG|0o644, 0)
		return []any{info.Mode().String(), info.ModTime().UnixNano(), fifoInfo.Mode().String(), target, device}, nil
	}},
	{"O_EXCL, O_TRUNC, folders and files are told apart", func(dir string) (any, error) {
		if _, err := filled(dir, "there", 10); err != nil {
			return nil, err
		}
		_, excl := open(dir, "there", unix.O_EXCL|unix.O_RDWR)
		_, trunc := open(dir, "there", unix.O_TRUNC|unix.O_RDWR)
		under := os.WriteFile(filepath.Join(dir, "there", "below"), nil, 0o600)
		missing := os.WriteFile(filepath.Join(dir, "missing", "below"), nil, 0o600)
		over := unix.Rename(dir, filepath.Join(dir, "there"))
		return fmt.Sprint(excl, trunc, contentOf(dir, "there"), under.(*os.PathError).Err, missing.(*os.PathError).Err, over), nil
	}},
	{"holes read as zeros, sparse or copied", func(dir string) (any, error) {
		fd, err := filled(dir, "sparse", 10)
		if err != nil {
			return nil, err
		}
		if _, err := unix.Pwrite(fd, []byte("far"), 1<<20+7); err != nil {
			return nil, err
		}
		to, err := open(dir, "copied", unix.O_RDWR)
		if err != nil {
			return nil, err
		}
		from := int64(0)
		for {
			n, err := unix.CopyFileRange(fd, &from, to, nil, 1<<20, 0)
			if err != nil {
				return nil, err
			}
			if n == 0 {
				break
			}
		}
		return []any{contentOf(dir, "sparse") == contentOf(dir, "copied"), len(contentOf(dir, "copied")), contentOf(dir, "copied")[1<<20:]}, nil
	}},
	{"whoever opened only to read does not write", func(dir string) (any, error) {
		if _, err := filled(dir, "read", 10); err != nil {
			return nil, err
		}
		fd, err := open(dir, "read", unix.O_RDONLY)
		if err != nil {
			return nil, err
		}
		_, wrote := unix.Write(fd, []byte("x"))
		return fmt.Sprint(wrote, unix.Ftruncate(fd, 3), unix.Fsync(fd)), nil
	}},
}

// behave prints what each behaviour returns on each of the folders.
func behave(dirs []string) int {
	for _, dir := range dirs {
		for i, b := range behaviours {
			own := filepath.Join(dir, fmt.Sprint(i))
			if err := os.Mkdir(own, 0o755); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
			got, err := b.do(own)
			fmt.Printf("%s\t%q %v\n", b.claim, fmt.Sprint(got), err)
		}
		fmt.Println("end")
	}
	return 0
}
