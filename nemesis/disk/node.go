package disk

import (
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// identity is what makes two names the same file.
type identity struct{ dev, ino uint64 }

// node is a file, folder or other object of a disk. It lives as long as somebody refers to it, or something of it is
// not durable; its descriptor keeps the kernel from giving its inode number away.
type node struct {
	id   identity
	kind uint32 // S_IFMT of its mode
	fd   int    // of the backing object, perhaps good for naming it only (O_PATH)
	refs int    // guarded by volume.mu

	spare atomic.Bool // it has one name more than anybody is to know of; see entries

	mu      sync.Mutex
	content *content // of a regular file that has been opened; guarded by mu, and never replaced
}

// path names the node's object for calls that take no descriptor, or not one that only names.
func (n *node) path() string { return "/proc/self/fd/" + strconv.Itoa(n.fd) }

// stat is what the node looks like from outside: the backing object's, with the length that readers see.
func (n *node) stat(st *syscall.Stat_t) error {
	if err := syscall.Fstat(n.fd, st); err != nil {
		return err
	}
	if n.spare.Load() {
		st.Nlink--
	}
	c := n.opened()
	if c == nil {
		return nil
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	st.Size = c.size
	st.Blocks = max(st.Blocks, (c.size+511)/512)
	if seen := syscall.NsecToTimespec(c.changed.UnixNano()); !c.changed.IsZero() && later(seen, st.Mtim) {
		st.Mtim, st.Ctim = seen, seen
	}
	return nil
}

func later(a, b syscall.Timespec) bool { return a.Sec > b.Sec || a.Sec == b.Sec && a.Nsec > b.Nsec }

// opened is the content if there was a reason to look at it.
func (n *node) opened() *content {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.content
}

// open is the content of a regular file.
func (n *node) open(v *volume) (*content, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.content != nil {
		return n.content, nil
	}
	switch n.kind {
	case unix.S_IFREG:
	case unix.S_IFDIR:
		return nil, unix.EISDIR
	default:
		return nil, unix.EINVAL
	}
	fd, err := unix.Open(n.path(), unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	c, err := newContent(fd, &v.supply, v.memory)
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	n.content = c
	return c, nil
}

// close gives the descriptors back, and forgets what is not durable.
func (n *node) close() {
	if n.content != nil {
		n.content.discard()
		unix.Close(n.content.fd)
	}
	unix.Close(n.fd)
}

// reachable reports whether the object has a name.
func (n *node) reachable() bool {
	var st syscall.Stat_t
	return syscall.Fstat(n.fd, &st) != nil || st.Nlink > 0
}
