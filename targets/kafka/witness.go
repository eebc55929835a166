package kafka

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// copyID tells one attempt from another.
type copyID struct {
	token   string
	attempt uint32
}

// witness counts how often each attempt is written to a connection, from what is written, before it is. It also keeps its
// word: what it said was never written is not let through afterwards, should the library have had it in hand.
type witness struct {
	mu        sync.Mutex
	writes    map[copyID]int
	old, next map[copyID]struct{} // given up unwritten, for a minute at least
	turned    time.Time           // when next became old
}

// banFor is longer than any write may take: a connection's write deadline is answerTime.
const banFor = time.Minute

func newWitness() *witness {
	return &witness{writes: map[copyID]int{}, old: map[copyID]struct{}{}, next: map[copyID]struct{}{}, turned: time.Now()}
}

// expect begins to count an attempt. It reports false if that is counted already.
func (w *witness) expect(id copyID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, twice := w.writes[id]; twice {
		return false
	}
	w.writes[id] = 0
	return true
}

// dismiss ends the count, and returns it. From 0 on it stays 0.
func (w *witness) dismiss(id copyID) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.writes[id]
	delete(w.writes, id)
	if n == 0 {
		if now := time.Now(); now.Sub(w.turned) > banFor {
			w.old, w.next, w.turned = w.next, map[copyID]struct{}{}, now
		}
		w.next[id] = struct{}{}
	}
	return n
}

// writing implements watch: it looks into produce requests.
func (w *witness) writing(f frame) error {
	ids, err := attempts(f)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range ids {
		if w.isBanned(id) {
			return fmt.Errorf("kafka: %s, attempt %d, was given up before it was written", id.token, id.attempt)
		}
	}
	w.count(ids, 1)
	return nil
}

// unwritten implements watch.
func (w *witness) unwritten(f frame) {
	ids, err := attempts(f)
	if err != nil {
		return // refused before
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count(ids, -1)
}

func (w *witness) count(ids []copyID, by int) {
	for _, id := range ids {
		if n, counted := w.writes[id]; counted {
			w.writes[id] = n + by
		}
	}
}

// attempts are those in a produce request; other requests have none.
func attempts(f frame) (ids []copyID, err error) {
	if f.key != int16(kmsg.Produce) {
		return nil, nil
	}
	var p kmsg.ProduceRequest
	if err := f.read(&p); err != nil {
		return nil, err
	}
	for _, t := range p.Topics {
		for _, part := range t.Partitions {
			for left := part.Records; len(left) > 0; {
				b, rest, err := parseBatch(left)
				if err != nil {
					return nil, fmt.Errorf("kafka: produce request to partition %d: %w", part.Partition, err)
				}
				for _, r := range b.records {
					i := identityOf(r)
					ids = append(ids, copyID{i.token, i.attempt})
				}
				left = rest
			}
		}
	}
	return ids, nil
}

func (w *witness) isBanned(id copyID) bool {
	_, recently := w.next[id]
	_, before := w.old[id]
	return recently || before
}

// counter counts requests of one kind that are written.
type counter struct {
	atomic.Int64
	counts func(frame) (bool, error)
}

func (c *counter) writing(f frame) error {
	yes, err := c.counts(f)
	if yes {
		c.Add(1)
	}
	return err
}

func (c *counter) unwritten(f frame) {
	if yes, _ := c.counts(f); yes {
		c.Add(-1)
	}
}
