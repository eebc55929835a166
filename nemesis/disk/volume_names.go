package disk

import (
	"golang.org/x/sys/unix"
)

// rename's flags that a disk knows; what others mean is not for a file system like this.
const renameFlags = unix.RENAME_NOREPLACE | unix.RENAME_EXCHANGE

// change does something to entries of folders.
func (v *volume) change(cancel <-chan struct{}, do func() error) error {
	if errno := v.supply.begin(cancel); errno != 0 {
		return errno
	}
	defer v.supply.end()
	v.names.Lock()
	defer v.names.Unlock()
	return do()
}

// add makes a new object and returns its node, with one reference.
func (v *volume) add(cancel <-chan struct{}, dir *node, name string, o owner, do func() error) (n *node, err error) {
	err = v.change(cancel, func() error {
		if err := v.entries.before(dir, name); err != nil {
			return err
		}
		if err := do(); err != nil {
			return err
		}
		if err := o.give(dir.fd, name); err != nil {
			return err
		}
		n, err = v.lookup(dir, name)
		return err
	})
	return n, err
}

func (v *volume) mkdir(cancel <-chan struct{}, dir *node, name string, mode uint32, o owner) (*node, error) {
	return v.add(cancel, dir, name, o, func() error { return unix.Mkdirat(dir.fd, name, mode) })
}

func (v *volume) symlink(cancel <-chan struct{}, dir *node, name, target string, o owner) (*node, error) {
	return v.add(cancel, dir, name, o, func() error { return unix.Symlinkat(target, dir.fd, name) })
}

// mknod makes a file, fifo or socket; a disk has no devices.
func (v *volume) mknod(cancel <-chan struct{}, dir *node, name string, mode uint32, o owner) (*node, error) {
	switch mode & unix.S_IFMT {
	case unix.S_IFREG, unix.S_IFIFO, unix.S_IFSOCK:
	default:
		return nil, unix.EPERM
	}
	return v.add(cancel, dir, name, o, func() error { return unix.Mknodat(dir.fd, name, mode, 0) })
}

// link gives an object one more name.
func (v *volume) link(cancel <-chan struct{}, n, dir *node, name string) error {
	return v.change(cancel, func() error {
		if err := v.entries.before(dir, name); err != nil {
			return err
		}
		return unix.Linkat(unix.AT_FDCWD, n.path(), dir.fd, name, unix.AT_SYMLINK_FOLLOW)
	})
}

func (v *volume) unlink(cancel <-chan struct{}, dir *node, name string) error {
	return v.change(cancel, func() error {
		if err := v.entries.before(dir, name); err != nil {
			return err
		}
		return unix.Unlinkat(dir.fd, name, 0)
	})
}

func (v *volume) rmdir(cancel <-chan struct{}, dir *node, name string) error {
	return v.change(cancel, func() error {
		if v.entries != nil {
			return v.entries.rmdir(dir, name)
		}
		return unix.Unlinkat(dir.fd, name, unix.AT_REMOVEDIR)
	})
}

func (v *volume) rename(cancel <-chan struct{}, from *node, name string, to *node, target string, flags uint32) error {
	if flags&^renameFlags != 0 {
		return unix.EINVAL
	}
	return v.change(cancel, func() error {
		if v.entries != nil {
			return v.entries.rename(from, name, to, target, flags)
		}
		return unix.Renameat2(from.fd, name, to.fd, target, uint(flags))
	})
}

// fsyncdir makes the entries of a folder durable.
func (v *volume) fsyncdir(cancel <-chan struct{}, dir *node) error {
	return v.change(cancel, func() error {
		if v.entries != nil {
			v.entries.keep(dir)
		}
		return nil
	})
}
