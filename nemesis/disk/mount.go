package disk

import (
	"fmt"
	"io"
	"log"
	"os"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// unchanging is how long the kernel may believe what it was told of names and attributes: nobody changes the backing
// folder behind its back while it is mounted.
const unchanging = time.Hour

// maxBackground is how many requests that no process waits for, such as pages of mappings, the kernel has under way.
const maxBackground = 64

// mount is one incarnation of a volume: the kernel's requests, from the mounting of a device to its end. The methods
// named as in fuse.RawFileSystem are what the kernel calls; those left to the embedded default are refused with ENOSYS,
// on which the kernel does without (locks, holes, copying) or says so to the caller.
type mount struct {
	fuse.RawFileSystem
	volume   *volume
	listings listings
	ended    chan struct{} // closed when the kernel has ended the connection and nothing of it is under way

	mu     sync.Mutex
	nodes  map[uint64]*handed // by number
	byNode map[*node]uint64
	last   uint64
}

// handed is a node that the kernel knows, and how many times it was told.
type handed struct {
	node    *node
	lookups uint64
}

// serve answers for a volume over an open, mounted /dev/fuse, which it takes over.
func serve(v *volume, dev int) (*mount, error) {
	m := &mount{
		RawFileSystem: fuse.NewDefaultRawFileSystem(), volume: v, ended: make(chan struct{}),
		nodes: map[uint64]*handed{fuse.FUSE_ROOT_ID: {v.root, 1}}, byNode: map[*node]uint64{v.root: fuse.FUSE_ROOT_ID}, last: fuse.FUSE_ROOT_ID,
	}
	server, err := fuse.NewServer(m, fmt.Sprintf("/dev/fd/%d", dev), &fuse.MountOptions{
		MaxWrite: fuse.MAX_KERNEL_WRITE, MaxBackground: maxBackground,
		DisableXAttrs: true, DisableReadDirPlus: true, DisableSplice: true,
		// The kernel would drop cached pages, those of mappings too, whenever the time of a file had changed.
		DisabledCapabilities: fuse.CAP_AUTO_INVAL_DATA | fuse.CAP_PASSTHROUGH,
		Logger:               log.New(io.Discard, "", 0), // it logs every answer that a killed process did not wait for
		PanicHandler: func(reason any) fuse.Status {
			// A disk that goes on after a fault of its own would be blamed on the broker.
			fmt.Fprintf(os.Stderr, "disk: %s: %v\n%s", v.name, reason, debug.Stack())
			os.Exit(4)
			return fuse.EIO
		},
	})
	if err != nil {
		return nil, fmt.Errorf("disk: %s: serving the mount: %w", v.name, err)
	}
	go func() {
		server.Serve()
		m.forgetAll()
		close(m.ended)
	}()
	return m, nil
}

// String names the file system.
func (m *mount) String() string { return "waybill-disk" }

// node is what the kernel calls by a number that it was given.
func (m *mount) node(id uint64) *node {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := m.nodes[id]
	if h == nil {
		panic(fmt.Sprintf("the kernel asks for node %d, which it was not given", id))
	}
	return h.node
}

// entry hands a node, with the reference it comes with, to the kernel.
func (m *mount) entry(n *node, err error, out *fuse.EntryOut) fuse.Status {
	if err != nil {
		return fuse.ToStatus(err)
	}
	var st syscall.Stat_t
	if err := n.stat(&st); err != nil {
		m.volume.release(n, 1)
		return fuse.ToStatus(err)
	}
	m.mu.Lock()
	id, known := m.byNode[n]
	if known {
		m.nodes[id].lookups++
	} else {
		m.last++
		id = m.last
		m.byNode[n], m.nodes[id] = id, &handed{n, 1}
	}
	m.mu.Unlock()
	if known {
		m.volume.release(n, 1) // one reference stands for all lookups
	}
	out.NodeId, out.Generation = id, 1
	out.FromStat(&st)
	out.SetEntryTimeout(unchanging)
	out.SetAttrTimeout(unchanging)
	return fuse.OK
}

func (m *mount) attr(n *node, out *fuse.AttrOut) fuse.Status {
	var st syscall.Stat_t
	if err := n.stat(&st); err != nil {
		return fuse.ToStatus(err)
	}
	out.FromStat(&st)
	out.SetTimeout(unchanging)
	return fuse.OK
}

func (m *mount) statfs(out *fuse.StatfsOut) fuse.Status {
	var st syscall.Statfs_t
	if err := syscall.Fstatfs(m.volume.root.fd, &st); err != nil {
		return fuse.ToStatus(err)
	}
	out.FromStatfsT(&st)
	return fuse.OK
}

func (m *mount) forget(id, lookups uint64) {
	if id == fuse.FUSE_ROOT_ID {
		return
	}
	m.mu.Lock()
	h := m.nodes[id]
	h.lookups -= min(lookups, h.lookups)
	gone := h.lookups == 0
	if gone {
		delete(m.nodes, id)
		delete(m.byNode, h.node)
	}
	m.mu.Unlock()
	if gone {
		m.volume.release(h.node, 1)
	}
}

// forgetAll gives back what the kernel never will.
func (m *mount) forgetAll() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, h := range m.nodes {
		if id != fuse.FUSE_ROOT_ID {
			m.volume.release(h.node, 1)
		}
	}
	clear(m.byNode)
}

func ownerOf(in *fuse.InHeader) owner { return owner{in.Uid, in.Gid} }
