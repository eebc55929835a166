package kafka

import (
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"waybill/harness/history"
)

// witness counts how often each attempt is written to a connection, from what is written, before it is. It also keeps its
// word: what it said was never written is not let through afterwards, should the library have had it in hand.
type witness struct {
	seed maphash.Seed

	mu        sync.Mutex
	writes    tally
	old, next map[copyID]struct{} // given up unwritten, for a minute at least
	turned    time.Time           // when next became old
}

// banFor is longer than any write may take: a connection's write deadline is answerTime.
const banFor = time.Minute

func newWitness() *witness {
	return &witness{seed: maphash.MakeSeed(), writes: newTally(), old: map[copyID]struct{}{}, next: map[copyID]struct{}{}, turned: time.Now()}
}

func (w *witness) id(token string, attempt uint32) copyID {
	return copyID{maphash.String(w.seed, token) + uint64(attempt), history.Neighbourhood(token)}
}

// expect begins to count an attempt. It reports false if that is counted already.
func (w *witness) expect(id copyID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.writes.find(id) != nil {
		return false
	}
	w.writes.add(id)
	return true
}

// dismiss ends the count, and returns it. From 0 on it stays 0.
func (w *witness) dismiss(id copyID) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := int32(0)
	if c := w.writes.find(id); c != nil {
		n = c.writes
	}
	w.writes.remove(id)
	if n == 0 {
		if now := time.Now(); now.Sub(w.turned) > banFor {
			w.old, w.next, w.turned = w.next, map[copyID]struct{}{}, now
		}
		w.next[id] = struct{}{}
	}
	return int(n)
}

// writing implements watch: it looks into produce requests.
func (w *witness) writing(f frame) error {
	batches, err := produced(f)
	if len(batches) == 0 || err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var banned error
	if len(w.next)+len(w.old) > 0 {
		err = glanceAll(batches, func(token string, attempt uint32) {
			if w.isBanned(w.id(token, attempt)) && banned == nil {
				banned = fmt.Errorf("kafka: %s, attempt %d, was given up before it was written", token, attempt)
			}
		})
	}
	if err := errors.Join(err, banned); err != nil {
		return err
	}
	// A request that turns out not to be readable is not written, and what was read of it is counted: nothing is certain of it then.
	return w.count(batches, 1)
}

// unwritten implements watch.
func (w *witness) unwritten(f frame) {
	batches, err := produced(f)
	if err != nil {
		return // refused before
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.count(batches, -1) // it was counted before
}

func (w *witness) count(batches []*batch, by int32) error {
	return glanceAll(batches, func(token string, attempt uint32) {
		if c := w.writes.find(w.id(token, attempt)); c != nil {
			c.writes += by
		}
	})
}

func glanceAll(batches []*batch, each func(string, uint32)) error {
	for _, b := range batches {
		if err := b.glance(each); err != nil {
			return err
		}
	}
	return nil
}

// produced are the batches of a produce request; other requests have none.
func produced(f frame) (batches []*batch, err error) {
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
				b, rest, err := parseBatchHead(left)
				if err != nil {
					return nil, fmt.Errorf("kafka: produce request to partition %d: %w", part.Partition, err)
				}
				batches = append(batches, b)
				left = rest
			}
		}
	}
	return batches, nil
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
