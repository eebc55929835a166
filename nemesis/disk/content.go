package disk

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// content is what a regular file holds: the backing file has exactly what is durable, and the rest is here until it is
// synced: the pages written to, and the length. Its methods may be called from any goroutine. None of them looks at the
// plug: the caller holds the gate.
type content struct {
	fd     int // of the backing file, open for reading and writing
	supply *supply
	memory *memory

	mu      sync.RWMutex
	durable int64 // length of the backing file
	size    int64 // length that readers see
	cut     int64 // the shortest it has been since it was durable: what the backing file has behind is not to be seen
	pages   map[int64]*page
	changed time.Time // when last written to, if the backing file does not say it

	oldest atomic.Int64 // when the oldest unsynced change was made, in nanoseconds; 0: there is none
}

// newContent takes what is in the open file as durable.
func newContent(fd int, s *supply, m *memory) (*content, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	return &content{fd: fd, supply: s, memory: m, durable: st.Size, size: st.Size, cut: st.Size, pages: map[int64]*page{}}, nil
}

// read fills out from offset on, and returns how many bytes there were.
func (c *content) read(out []byte, offset int64) (int, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if offset >= c.size {
		return 0, nil
	}
	out = out[:min(int64(len(out)), c.size-offset)]
	kept := 0
	if seen := min(c.durable, c.cut); offset < seen {
		n, err := preadFull(c.fd, out[:min(int64(len(out)), seen-offset)], offset)
		if err != nil {
			return 0, err
		}
		kept = n
	}
	clear(out[kept:])
	if len(c.pages) == 0 {
		return len(out), nil
	}
	for at := 0; at < len(out); {
		index, lo := (offset+int64(at))/pageSize, int((offset+int64(at))%pageSize)
		n := min(pageSize-lo, len(out)-at)
		if p := c.pages[index]; p != nil {
			p.overlay(out[at:at+n], lo)
		}
		at += n
	}
	return len(out), nil
}

// write keeps data as unsynced.
func (c *content) write(data []byte, offset int64, now time.Time) {
	if len(data) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	fresh := int64(0)
	c.size = max(c.size, offset+int64(len(data)))
	c.changed = now
	for len(data) > 0 {
		index, lo := offset/pageSize, int(offset%pageSize)
		n := min(pageSize-lo, len(data))
		p := c.pages[index]
		if p == nil {
			p = &page{data: buffers.Get().(*[pageSize]byte)}
			c.pages[index] = p
			fresh++
		}
		p.write(lo, data[:n], now)
		data, offset = data[n:], offset+int64(n)
	}
	c.memory.held.Add(fresh * pageSize)
	c.dirtied(now)
}

// resize is ftruncate.
func (c *content) resize(size int64, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.setSize(size, now)
}

// extend is resize for what only lengthens.
func (c *content) extend(size int64, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if size > c.size {
		c.setSize(size, now)
	}
}

func (c *content) setSize(size int64, now time.Time) {
	if size == c.size {
		return
	}
	for index, p := range c.pages {
		if start := index * pageSize; start+pageSize > size {
			p.cut(int(max(0, size-start)))
			if len(p.spans) == 0 {
				c.drop(index)
			}
		}
	}
	c.size, c.cut = size, min(c.cut, size)
	c.changed = now
	c.dirtied(now)
}

// sync makes everything durable, and returns how many bytes were not.
func (c *content) sync() (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.keep(slices.Sorted(maps.Keys(c.pages)), true)
}

// keep makes these pages durable, and with whole the length too: without it the durable file ends behind the last
// page kept, as if the others had never been written. It returns how many bytes that were. The caller holds c.mu.
func (c *content) keep(indexes []int64, whole bool) (bytes int64, err error) {
	if c.cut < c.durable {
		if err := unix.Ftruncate(c.fd, c.cut); err != nil {
			return 0, err
		}
		c.durable = c.cut
	}
	c.cut = c.size // nothing is left behind it
	for len(indexes) > 0 {
		vectors, offset, done := c.run(indexes)
		n, err := pwriteFull(c.fd, vectors, offset)
		if err != nil {
			return bytes, err
		}
		bytes += n
		c.durable = max(c.durable, offset+n)
		for range done {
			c.drop(indexes[0])
			indexes = indexes[1:]
		}
		if done == 0 { // there is more of the first page
			p := c.pages[indexes[0]]
			p.spans = p.spans[1:]
		}
	}
	if whole && c.durable < c.size {
		if err := unix.Ftruncate(c.fd, c.size); err != nil {
			return bytes, err
		}
		c.durable = c.size
	}
	if whole {
		c.cleaned()
	}
	return bytes, nil
}

// maxRun is how many pages are written at once: what one pwritev takes.
const maxRun = 1024

// run finds what one write can make durable: the first span, and as many pages as adjoin it without a gap. done is the
// number of pages that it completes, 0 if the first page has more spans.
func (c *content) run(indexes []int64) (vectors [][]byte, offset int64, done int) {
	first := c.pages[indexes[0]]
	offset = indexes[0]*pageSize + int64(first.spans[0].lo)
	if len(first.spans) > 1 {
		return [][]byte{first.data[first.spans[0].lo:first.spans[0].hi]}, offset, 0
	}
	next := offset
	for _, index := range indexes[:min(len(indexes), maxRun)] {
		p := c.pages[index]
		if len(p.spans) != 1 || index*pageSize+int64(p.spans[0].lo) != next {
			break
		}
		s := p.spans[0]
		vectors = append(vectors, p.data[s.lo:s.hi])
		next += int64(s.hi - s.lo)
		done++
	}
	return vectors, offset, done
}

// drop forgets one page. The caller holds c.mu.
func (c *content) drop(index int64) {
	buffers.Put(c.pages[index].data)
	delete(c.pages, index)
	c.memory.held.Add(-pageSize)
}

// dirtied notices that something is not durable. The caller holds c.mu.
func (c *content) dirtied(now time.Time) {
	if c.oldest.CompareAndSwap(0, now.UnixNano()) {
		c.memory.dirtied(c)
	}
}

// cleaned notices that everything is. The caller holds c.mu.
func (c *content) cleaned() {
	if c.oldest.Swap(0) != 0 {
		c.memory.cleaned(c)
	}
}

// dirty reports whether something is not durable.
func (c *content) dirty() bool { return c.oldest.Load() != 0 }

// age makes everything durable if something has waited for it since before a time, as Linux goes by the age of files
// and not of pages.
func (c *content) age(before time.Time) error {
	if oldest := c.oldest.Load(); oldest == 0 || oldest >= before.UnixNano() {
		return nil
	}
	_, err := c.sync()
	return err
}

// forget goes back to what is durable. survives, if not nil, chooses pages that reached the disk nevertheless. It
// returns the bytes lost, and those of them in pages written to at since or later.
func (c *content) forget(survives func() bool, since time.Time) (lost, recent int64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var kept []int64
	for _, index := range slices.Sorted(maps.Keys(c.pages)) {
		if survives != nil && survives() {
			kept = append(kept, index)
			continue
		}
		p := c.pages[index]
		n := p.unsynced()
		lost += n
		if !p.last.Before(since) {
			recent += n
		}
		c.drop(index)
	}
	if len(kept) > 0 || survives != nil && c.cut < c.durable && survives() {
		_, err = c.keep(kept, false)
	}
	c.size, c.cut, c.changed = c.durable, c.durable, time.Time{}
	c.cleaned()
	return lost, recent, err
}

// discard forgets the unsynced bytes of a file that nobody can reach any more.
func (c *content) discard() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for index := range c.pages {
		c.drop(index)
	}
	c.cleaned()
}

func preadFull(fd int, out []byte, offset int64) (n int, err error) {
	for n < len(out) {
		m, err := unix.Pread(fd, out[n:], offset+int64(n))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return n, err
		}
		if m == 0 {
			break
		}
		n += m
	}
	return n, nil
}

func pwriteFull(fd int, vectors [][]byte, offset int64) (written int64, err error) {
	for len(vectors) > 0 {
		n, err := unix.Pwritev(fd, vectors, offset+written)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return written, err
		}
		if n == 0 {
			return written, unix.EIO
		}
		written += int64(n)
		for len(vectors) > 0 && n >= len(vectors[0]) {
			n -= len(vectors[0])
			vectors = vectors[1:]
		}
		if n > 0 {
			vectors[0] = vectors[0][n:]
		}
	}
	return written, nil
}
