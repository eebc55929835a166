package disk

import (
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// Lookup finds a name in a folder.
func (m *mount) Lookup(_ <-chan struct{}, in *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	n, err := m.volume.lookup(m.node(in.NodeId), name)
	return m.entry(n, err, out)
}

// Forget takes back what earlier entries handed out.
func (m *mount) Forget(id, lookups uint64) { m.forget(id, lookups) }

// Create makes a file and opens it.
func (m *mount) Create(cancel <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	n, err := m.volume.create(cancel, m.node(in.NodeId), name, in.Flags, in.Mode, ownerOf(&in.InHeader))
	out.OpenFlags = fuse.FOPEN_KEEP_CACHE
	return m.entry(n, err, &out.EntryOut)
}

// Mknod makes a file without opening it, a fifo or a socket.
func (m *mount) Mknod(cancel <-chan struct{}, in *fuse.MknodIn, name string, out *fuse.EntryOut) fuse.Status {
	n, err := m.volume.mknod(cancel, m.node(in.NodeId), name, in.Mode, ownerOf(&in.InHeader))
	return m.entry(n, err, out)
}

// Mkdir makes a folder.
func (m *mount) Mkdir(cancel <-chan struct{}, in *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	n, err := m.volume.mkdir(cancel, m.node(in.NodeId), name, in.Mode, ownerOf(&in.InHeader))
	return m.entry(n, err, out)
}

// Symlink makes a symbolic link.
func (m *mount) Symlink(cancel <-chan struct{}, in *fuse.InHeader, target, name string, out *fuse.EntryOut) fuse.Status {
	n, err := m.volume.symlink(cancel, m.node(in.NodeId), name, target, ownerOf(in))
	return m.entry(n, err, out)
}

// Link gives a file one more name.
func (m *mount) Link(cancel <-chan struct{}, in *fuse.LinkIn, name string, out *fuse.EntryOut) fuse.Status {
	n, dir := m.node(in.Oldnodeid), m.node(in.NodeId)
	if err := m.volume.link(cancel, n, dir, name); err != nil {
		return fuse.ToStatus(err)
	}
	n, err := m.volume.lookup(dir, name)
	return m.entry(n, err, out)
}

// Unlink removes a name.
func (m *mount) Unlink(cancel <-chan struct{}, in *fuse.InHeader, name string) fuse.Status {
	return fuse.ToStatus(m.volume.unlink(cancel, m.node(in.NodeId), name))
}

// Rmdir removes an empty folder.
func (m *mount) Rmdir(cancel <-chan struct{}, in *fuse.InHeader, name string) fuse.Status {
	return fuse.ToStatus(m.volume.rmdir(cancel, m.node(in.NodeId), name))
}

// Rename moves a name, over another if there is one.
func (m *mount) Rename(cancel <-chan struct{}, in *fuse.RenameIn, from, to string) fuse.Status {
	return fuse.ToStatus(m.volume.rename(cancel, m.node(in.NodeId), from, m.node(in.Newdir), to, in.Flags))
}

// Readlink says where a symbolic link points.
func (m *mount) Readlink(_ <-chan struct{}, in *fuse.InHeader) ([]byte, fuse.Status) {
	target := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(m.node(in.NodeId).fd, "", target)
	return target[:max(0, n)], fuse.ToStatus(err)
}

// OpenDir begins a listing.
func (m *mount) OpenDir(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	out.Fh = m.listings.add(&listing{dir: m.node(in.NodeId)})
	return fuse.OK
}

// ReadDir goes on with a listing.
func (m *mount) ReadDir(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	l := m.listings.get(in.Fh)
	if l == nil {
		return fuse.EBADF
	}
	return fuse.ToStatus(l.fill(in.Offset, out))
}

// ReleaseDir ends a listing.
func (m *mount) ReleaseDir(in *fuse.ReleaseIn) { m.listings.remove(in.Fh) }

// FsyncDir makes the names in a folder durable.
func (m *mount) FsyncDir(cancel <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	return fuse.ToStatus(m.volume.fsyncdir(cancel, m.node(in.NodeId)))
}
