package rabbitmq

import (
	"testing"
	"testing/synctest"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

func TestABatchWaitsToBeFilledAndNoLonger(t *testing.T) {
	for _, c := range []struct {
		claim string
		after []time.Duration // when the others come, from the first
		want  int
		took  time.Duration
	}{
		{"what comes within the time is part of it", []time.Duration{0, linger / 2, 2 * linger}, 3, linger},
		{"a full one waits for nothing", []time.Duration{0, 0, linger / 4, linger / 2, linger / 2}, 4, linger / 4},
		{"one that stays alone is returned in the end", nil, 1, linger},
	} {
		synctest.Test(t, func(t *testing.T) {
			incoming := make(chan amqp.Delivery, len(c.after))
			s := &session{role: &subscription{deliveries: incoming}, over: make(chan struct{})}
			r := &subscriber{batch: 4}
			for _, d := range c.after {
				time.AfterFunc(d, func() { incoming <- amqp.Delivery{} })
			}
			synctest.Wait()
			began := time.Now()
			ds := r.collect(s, amqp.Delivery{})
			if took := time.Since(began); len(ds) != c.want || took != c.took {
				t.Errorf("%s: %d deliveries after %s, want %d after %s", c.claim, len(ds), took, c.want, c.took)
			}
			time.Sleep(3 * linger)
		})
	}
}
