package disk

import (
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func (v *volume) read(n *node, out []byte, offset int64) (int, error) {
	c, err := n.open(v)
	if err != nil {
		return 0, err
	}
	return c.read(out, offset)
}

// write keeps data in memory; with durable it is on the disk when write returns, and so is the rest of the file: open(2)
// says of O_SYNC that each write is as though followed by an fsync.
func (v *volume) write(cancel <-chan struct{}, n *node, data []byte, offset int64, durable bool) error {
	return v.alter(cancel, n, func(c *content) error { return v.put(c, data, offset, durable) })
}

// alter does something to a file's content while there is power.
func (v *volume) alter(cancel <-chan struct{}, n *node, do func(c *content) error) error {
	c, err := n.open(v)
	if err != nil {
		return err
	}
	if errno := v.supply.begin(cancel); errno != 0 {
		return errno
	}
	defer v.supply.end()
	return do(c)
}

// writeMapped is write for pages that a process has changed in memory and that the kernel wants rid of. Nobody may
// wait there: a process that is being killed has its mappings written back before it is gone. Without power it fails
// at once, and the kernel tells the next msync or fsync.
func (v *volume) writeMapped(n *node, data []byte, offset int64) error {
	c, err := n.open(v)
	if err != nil {
		return err
	}
	if !v.supply.tryBegin() {
		return unix.EIO
	}
	defer v.supply.end()
	return v.put(c, data, offset, false)
}

func (v *volume) put(c *content, data []byte, offset int64, durable bool) error {
	if err := v.memory.makeRoom(); err != nil {
		return err
	}
	c.write(data, offset, v.now())
	if durable {
		_, err := c.sync()
		return err
	}
	return nil
}

// fsync makes the content of a file durable; fdatasync is the same here, since the length belongs to what it keeps.
func (v *volume) fsync(cancel <-chan struct{}, n *node) error {
	return v.alter(cancel, n, func(c *content) error {
		_, err := c.sync()
		return err
	})
}

// truncate sets the length.
func (v *volume) truncate(cancel <-chan struct{}, n *node, size int64) error {
	return v.alter(cancel, n, func(c *content) error {
		c.resize(size, v.now())
		return nil
	})
}

// allocate is fallocate(2) with mode 0 or FALLOC_FL_KEEP_SIZE. Space is never reserved: the first lengthens the file
// as truncate does, the second has nothing to do.
func (v *volume) allocate(cancel <-chan struct{}, n *node, mode uint32, offset, length int64) error {
	if mode&^unix.FALLOC_FL_KEEP_SIZE != 0 {
		return unix.EOPNOTSUPP
	}
	return v.alter(cancel, n, func(c *content) error {
		if mode&unix.FALLOC_FL_KEEP_SIZE == 0 {
			c.extend(offset+length, v.now())
		}
		return nil
	})
}

// attributes are those that setattr changes; nil is left alone.
type attributes struct {
	mode         *uint32
	uid, gid     *uint32
	atime, mtime *time.Time
}

// setattr changes what is durable at once, whatever the model.
func (v *volume) setattr(cancel <-chan struct{}, n *node, a attributes) error {
	if errno := v.supply.begin(cancel); errno != 0 {
		return errno
	}
	defer v.supply.end()
	if a.uid != nil || a.gid != nil {
		if err := unix.Fchownat(n.fd, "", idOr(a.uid), idOr(a.gid), unix.AT_EMPTY_PATH|unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return err
		}
	}
	if n.kind == unix.S_IFLNK {
		return nil // neither mode nor times of a symbolic link mean anything
	}
	if a.mode != nil {
		if err := unix.Chmod(n.path(), *a.mode); err != nil {
			return err
		}
	}
	if a.atime != nil || a.mtime != nil {
		if err := unix.UtimesNanoAt(unix.AT_FDCWD, n.path(), []unix.Timespec{timeOr(a.atime), timeOr(a.mtime)}, 0); err != nil {
			return err
		}
	}
	if c := n.opened(); c != nil && a.mtime != nil {
		c.mu.Lock()
		c.changed = time.Time{}
		c.mu.Unlock()
	}
	return nil
}

func idOr(id *uint32) int {
	if id == nil {
		return -1
	}
	return int(*id)
}

func timeOr(t *time.Time) unix.Timespec {
	if t == nil {
		return unix.Timespec{Nsec: unix.UTIME_OMIT}
	}
	ts, err := unix.TimeToTimespec(*t)
	if err != nil {
		return unix.Timespec{Nsec: unix.UTIME_NOW}
	}
	return ts
}

// owner is who a new object belongs to.
type owner struct{ uid, gid uint32 }

// give makes an object, new in a folder, its owner's; the server itself owns what it makes.
func (o owner) give(dir int, name string) error {
	if int(o.uid) == os.Geteuid() && int(o.gid) == os.Getegid() {
		return nil
	}
	return unix.Fchownat(dir, name, int(o.uid), int(o.gid), unix.AT_SYMLINK_NOFOLLOW)
}

// create makes a regular file, or opens the one there is unless flags has O_EXCL.
func (v *volume) create(cancel <-chan struct{}, dir *node, name string, flags, mode uint32, o owner) (*node, error) {
	if errno := v.supply.begin(cancel); errno != 0 {
		return nil, errno
	}
	defer v.supply.end()
	v.names.Lock()
	defer v.names.Unlock()
	if err := v.entries.before(dir, name); err != nil {
		return nil, err
	}
	const open = unix.O_RDWR | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := unix.Openat(dir.fd, name, open|unix.O_CREAT|unix.O_EXCL, mode&^syscall.S_IFMT)
	switch {
	case errors.Is(err, unix.EEXIST) && flags&unix.O_EXCL == 0:
		if fd, err = unix.Openat(dir.fd, name, open, 0); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	default:
		if err := o.give(dir.fd, name); err != nil {
			unix.Close(fd)
			return nil, err
		}
	}
	return v.adopt(fd)
}
