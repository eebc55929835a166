package kafka

import (
	"slices"
	"sync"
	"testing"
	"time"

	"waybill/targets"
)

// A producer that is told nothing would go on writing into a connection that nobody reads.
func TestOnlyAProducerWithoutAnswersRenewsItsConnections(t *testing.T) {
	for _, c := range []struct {
		mode   string
		renews bool
	}{{"acks-0", true}, {"acks-1", false}, {"idempotent", false}} {
		t.Run(c.mode, func(t *testing.T) {
			f := newFake(t, c.mode)
			l := f.link()
			var mu sync.Mutex
			var lost []string
			l.connected = func(open bool, _, why string) {
				mu.Lock()
				defer mu.Unlock()
				if !open {
					lost = append(lost, why)
				}
			}
			p, err := newProducer(l, namesOf("q"), f.mode, f.config)
			if err != nil {
				t.Fatal(err)
			}
			if got := l.renew > 0; got != c.renews {
				t.Fatalf("connections are renewed: %v, want %v", got, c.renews)
			}
			if c.renews {
				l.renew = 50 * time.Millisecond // before the first is made
			}
			stop := time.After(time.Second)
			for n := 0; ; n++ {
				m := message(n)
				p.Send(t.Context(), m, func(targets.Outcome) {})
				select {
				case <-time.After(20 * time.Millisecond):
					continue
				case <-stop:
				}
				break
			}
			mu.Lock()
			renewed := slices.Contains(lost, "renewed")
			mu.Unlock()
			if renewed != c.renews {
				t.Errorf("connections were lost because of %q; renewed: want %v", lost, c.renews)
			}
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
