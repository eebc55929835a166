package disk

import (
	"os"
	"sync"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// listings are the open folders of a mount.
type listings struct {
	mu   sync.Mutex
	open map[uint64]*listing
	last uint64
}

func (l *listings) add(one *listing) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		l.open = map[uint64]*listing{}
	}
	l.last++
	l.open[l.last] = one
	return l.last
}

func (l *listings) get(id uint64) *listing {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open[id]
}

func (l *listings) remove(id uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, id)
}

// listing is one open folder. It is read as a whole where it begins; what is made or removed meanwhile may or may not
// be in it, as readdir(3) has it.
type listing struct {
	dir *node

	mu      sync.Mutex
	entries []fuse.DirEntry
}

// fill puts entries from an offset on into out, as many as fit. Offset 0 begins anew.
func (l *listing) fill(offset uint64, out *fuse.DirEntryList) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if offset == 0 {
		entries, err := list(l.dir)
		if err != nil {
			return err
		}
		l.entries = entries
	}
	for i := offset; i < uint64(len(l.entries)); i++ {
		l.entries[i].Off = i + 1
		if !out.AddDirEntry(l.entries[i]) {
			break
		}
	}
	return nil
}

func list(dir *node) ([]fuse.DirEntry, error) {
	fd, err := unix.Openat(dir.fd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "folder")
	defer f.Close()
	found, err := f.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	entries := []fuse.DirEntry{{Name: ".", Mode: unix.S_IFDIR, Ino: dir.id.ino}, {Name: "..", Mode: unix.S_IFDIR, Ino: dir.id.ino}}
	for _, e := range found {
		var st unix.Stat_t
		if err := unix.Fstatat(dir.fd, e.Name(), &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			continue // removed meanwhile
		}
		entries = append(entries, fuse.DirEntry{Name: e.Name(), Mode: st.Mode & unix.S_IFMT, Ino: st.Ino})
	}
	return entries, nil
}
