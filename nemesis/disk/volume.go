package disk

import (
	"fmt"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// volume is one disk: a backing folder with what is durable, and in memory what is not. It knows nothing of FUSE or
// of hosts. Methods that change something take a channel whose end makes them give up waiting behind a pulled plug,
// with EINTR; all may be called from any goroutine. Errors are errno values.
type volume struct {
	name    string
	backing string
	model   Model
	seed    uint64
	now     func() time.Time
	supply  supply
	memory  *memory
	root    *node

	names   sync.Mutex // held over every change of folders
	entries *entries   // what of folders is not durable; nil where that is not the model

	mu     sync.Mutex // taken before a content's
	nodes  map[identity]*node
	losses uint64 // of power
}

func newVolume(name, backing string, m Model, seed uint64, g *gate, mem *memory) (*volume, error) {
	backing, err := filepath.Abs(backing)
	if err != nil {
		return nil, fmt.Errorf("disk: %s: %w", name, err)
	}
	fd, err := unix.Open(backing, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("disk: %s: backing folder %s: %w", name, backing, err)
	}
	v := &volume{
		name: name, backing: backing, model: m, seed: seed, now: time.Now,
		supply: supply{gate: g}, memory: mem, nodes: map[identity]*node{},
	}
	if v.root, err = v.adopt(fd); err != nil {
		return nil, fmt.Errorf("disk: %s: backing folder %s: %w", name, backing, err)
	}
	if m.kind == strict {
		if v.entries, err = newEntries(v); err != nil {
			v.close()
			return nil, err
		}
	}
	return v, nil
}

// adopt is the node that an open descriptor stands for, with one reference more. It takes the descriptor over.
func (v *volume) adopt(fd int) (*node, error) {
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		unix.Close(fd)
		return nil, err
	}
	id := identity{st.Dev, st.Ino}
	v.mu.Lock()
	defer v.mu.Unlock()
	if n := v.nodes[id]; n != nil {
		unix.Close(fd)
		n.refs++
		return n, nil
	}
	n := &node{id: id, kind: st.Mode & unix.S_IFMT, fd: fd, refs: 1}
	v.nodes[id] = n
	return n, nil
}

// hold is one reference more to a node that the caller has one to.
func (v *volume) hold(n *node) {
	v.mu.Lock()
	defer v.mu.Unlock()
	n.refs++
}

// release gives references back. A node without any stays while it has something to lose.
func (v *volume) release(n *node, refs int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	n.refs -= refs
	v.dispose(n)
}

// dispose closes a node that nobody needs. The caller holds v.mu.
func (v *volume) dispose(n *node) {
	if n.refs > 0 {
		return
	}
	if n.content != nil && n.content.dirty() && n.reachable() {
		return
	}
	delete(v.nodes, n.id)
	n.close()
}

// snapshot is every node there is, with a reference to each.
func (v *volume) snapshot() []*node {
	v.mu.Lock()
	defer v.mu.Unlock()
	nodes := make([]*node, 0, len(v.nodes))
	for _, n := range v.nodes {
		n.refs++
		nodes = append(nodes, n)
	}
	return nodes
}

// lookup is the object called name in a folder, with one reference more.
func (v *volume) lookup(dir *node, name string) (*node, error) {
	fd, err := unix.Openat(dir.fd, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return v.adopt(fd)
}

// sync makes everything durable, as a quiet half minute does.
func (v *volume) sync() error {
	if !v.supply.tryBegin() {
		return fmt.Errorf("disk: %s: it has no power: Forget first", v.name)
	}
	defer v.supply.end()
	var first error
	for _, n := range v.snapshot() {
		if c := n.opened(); c != nil {
			if _, err := c.sync(); err != nil && first == nil {
				first = fmt.Errorf("disk: %s: writing back: %w", v.name, err)
			}
		}
		v.release(n, 1)
	}
	if v.entries != nil {
		v.names.Lock()
		defer v.names.Unlock()
		v.entries.keepAll()
	}
	return first
}

// writeBack makes durable what is older than the model's age.
func (v *volume) writeBack() {
	if !v.supply.tryBegin() {
		return
	}
	defer v.supply.end()
	before := v.now().Add(-v.model.writeback)
	for _, n := range v.snapshot() {
		if c := n.opened(); c != nil {
			// What cannot be written stays unsynced; the next fsync of the file says why.
			_ = c.age(before)
		}
		v.release(n, 1)
	}
}

// close gives everything back, durable or not.
func (v *volume) close() {
	if v.entries != nil {
		v.entries.close()
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for id, n := range v.nodes {
		delete(v.nodes, id)
		n.close()
	}
}

// writeBackSteps is how often data is looked at within the age at which it is written back.
const writeBackSteps = 10

// writeBackForever does what the model says of age, as long as the process lives.
func (v *volume) writeBackForever() {
	for range time.Tick(max(v.model.writeback/writeBackSteps, time.Millisecond)) {
		v.writeBack()
	}
}
