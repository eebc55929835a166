package disk

import (
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// GetAttr says what an object looks like.
func (m *mount) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	return m.attr(m.node(in.NodeId), out)
}

// SetAttr changes length, mode, owner or times.
func (m *mount) SetAttr(cancel <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	n := m.node(in.NodeId)
	if size, ok := in.GetSize(); ok {
		if err := m.volume.truncate(cancel, n, int64(size)); err != nil {
			return fuse.ToStatus(err)
		}
	}
	var a attributes
	if mode, ok := in.GetMode(); ok {
		a.mode = &mode
	}
	if uid, ok := in.GetUID(); ok {
		a.uid = &uid
	}
	if gid, ok := in.GetGID(); ok {
		a.gid = &gid
	}
	if t, ok := in.GetATime(); ok {
		a.atime = &t
	}
	if t, ok := in.GetMTime(); ok {
		a.mtime = &t
	}
	if a != (attributes{}) {
		if err := m.volume.setattr(cancel, n, a); err != nil {
			return fuse.ToStatus(err)
		}
	}
	return m.attr(n, out)
}

// Open needs no handle: what may be done with the file is for the kernel to judge, and all who have it open share one
// content. The kernel may keep the pages it has, since whatever changes the file passes through it.
func (m *mount) Open(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	out.OpenFlags = fuse.FOPEN_KEEP_CACHE
	_, err := m.node(in.NodeId).open(m.volume)
	return fuse.ToStatus(err)
}

// Read serves what was written, durable or not, with the power on or off.
func (m *mount) Read(_ <-chan struct{}, in *fuse.ReadIn, out []byte) (fuse.ReadResult, fuse.Status) {
	n, err := m.volume.read(m.node(in.NodeId), out[:min(len(out), int(in.Size))], int64(in.Offset))
	if err != nil {
		return nil, fuse.ToStatus(err)
	}
	return fuse.ReadResultData(out[:n]), fuse.OK
}

// Write keeps data, and with O_SYNC or O_DSYNC makes it durable.
func (m *mount) Write(cancel <-chan struct{}, in *fuse.WriteIn, data []byte) (uint32, fuse.Status) {
	n, offset := m.node(in.NodeId), int64(in.Offset)
	var err error
	if in.WriteFlags&fuse.WRITE_CACHE != 0 {
		err = m.volume.writeMapped(n, data, offset)
	} else {
		err = m.volume.write(cancel, n, data, offset, in.Flags&(unix.O_SYNC|unix.O_DSYNC) != 0)
	}
	if err != nil {
		return 0, fuse.ToStatus(err)
	}
	return uint32(len(data)), fuse.OK
}

// Fsync makes a file durable.
func (m *mount) Fsync(cancel <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	return fuse.ToStatus(m.volume.fsync(cancel, m.node(in.NodeId)))
}

// Fallocate lengthens a file or does nothing; it punches no holes.
func (m *mount) Fallocate(cancel <-chan struct{}, in *fuse.FallocateIn) fuse.Status {
	return fuse.ToStatus(m.volume.allocate(cancel, m.node(in.NodeId), in.Mode, int64(in.Offset), int64(in.Length)))
}

// Flush is what close(2) would wait for. Closing makes nothing durable, so the kernel need not ask again.
func (m *mount) Flush(<-chan struct{}, *fuse.FlushIn) fuse.Status { return fuse.ENOSYS }

// StatFs describes the file system of the backing folder.
func (m *mount) StatFs(_ <-chan struct{}, _ *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	return m.statfs(out)
}
