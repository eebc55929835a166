package disk

import (
	"sync"
	"sync/atomic"
)

// memoryLimit bounds what all disks of a server keep unsynced, in bytes. Linux bounds its own dirty pages in the same
// way (vm.dirty_ratio): what is oldest goes to the disk first.
const memoryLimit = 1 << 30

// memory is what the unsynced pages of all disks take. Its methods may be called from any goroutine.
type memory struct {
	limit int64
	held  atomic.Int64 // bytes

	mu    sync.Mutex // taken after a content's own
	dirty map[*content]struct{}
}

func newMemory(limit int64) *memory { return &memory{limit: limit, dirty: map[*content]struct{}{}} }

func (m *memory) dirtied(c *content) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dirty[c] = struct{}{}
}

func (m *memory) cleaned(c *content) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.dirty, c)
}

// makeRoom writes files back, those longest dirty first, until the limit is kept; those on disks without power stay
// as they are. The caller holds the gate, and no content.
func (m *memory) makeRoom() error {
	for m.held.Load() >= m.limit {
		c := m.oldest()
		if c == nil {
			return nil
		}
		n, err := c.sync()
		if err != nil {
			return err
		}
		c.supply.evicted.Add(n)
	}
	return nil
}

func (m *memory) oldest() (found *content) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for c := range m.dirty {
		if !c.supply.plugged && (found == nil || c.oldest.Load() < found.oldest.Load()) {
			found = c
		}
	}
	return found
}
