package rabbitmq

import (
	"sync"
	"time"
)

// keep is how long a delivery stays with an application that does not acknowledge it: about as long as the broker takes to
// notice that a consumer is gone, so that what depends on a redelivery waits as long in either case.
const keep = 2 * clientBeat

// custody are deliveries of one channel that were handed out and not acknowledged, by tag. A tag is taken out once: by its
// acknowledgement, or because it is given back. A second answer for it would be an error that ends the channel.
type custody struct {
	mu    sync.Mutex
	since map[uint64]time.Time
	order []uint64 // oldest first
}

func newCustody() *custody { return &custody{since: map[uint64]time.Time{}} }

func (c *custody) hold(tag uint64, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.since[tag] = now
	c.order = append(c.order, tag)
}

// take is true once for each tag that is held.
func (c *custody) take(tag uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, held := c.since[tag]
	delete(c.since, tag)
	return held
}

// overdue takes out what was held since before.
func (c *custody) overdue(before time.Time) (tags []uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.order) > 0 {
		tag := c.order[0]
		at, held := c.since[tag]
		if held && !at.Before(before) {
			return tags
		}
		if held {
			tags = append(tags, tag)
			delete(c.since, tag)
		}
		c.order = c.order[1:]
	}
	return tags
}

// giveBack returns to the queue what was kept too long, until the session is over.
func (c *custody) giveBack(s *session) {
	t := time.NewTicker(keep / 16)
	defer t.Stop()
	for {
		select {
		case now := <-t.C:
			for _, tag := range c.overdue(now.Add(-keep)) {
				if err := s.ch.Nack(tag, false, true); err != nil {
					s.failed("give a delivery back", err) // which gives everything back
					return
				}
			}
		case <-s.over:
			return
		}
	}
}
