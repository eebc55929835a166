package nemesis

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"waybill/harness/golden"
)

// What each fault asks of whose frames, in one file that a person can check.
func TestWhatIsDoneToWhoseFrames(t *testing.T) {
	var b strings.Builder
	for _, spec := range append(All(), "drop-confirms:share=0.5:count=7", "drop-acks:then=nothing:count=2", "drop-commits:until=giveup:share=0.1:count=1") {
		if needs, err := NeedsFrames(spec); err != nil || !needs {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.figures = holdingFigures
			v := w.view()
			v.Timing.Answer = time.Second
			a := action(t, spec, v, 1)
			given := map[string]string{}
			seeds := map[uint64]string{}
			w.given = func(host string) {
				var parts []string
				for _, r := range w.rules[host] {
					parts = append(parts, strings.TrimSpace(fmt.Sprintf("%s %s share %g count %d %s", r.Act, r.Kind, r.Share, r.Count, r.For)))
					if other := seeds[r.Seed]; other != "" {
						t.Errorf("%s: %s and %s choose alike", spec, other, host)
					}
					seeds[r.Seed] = host
				}
				given[host] = strings.Join(parts, "; ")
			}
			if err := a.Inject(within(t, time.Minute)); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%s\n", spec)
			for _, host := range slices.Sorted(maps.Keys(given)) {
				fmt.Fprintf(&b, "\t%s: %s\n", host, given[host])
			}
		})
	}
	golden.Compare(t, "frames.txt", []byte(b.String()))
}

// A consumer is killed because an acknowledgement of its own was lost in this strike, and not before.
func TestAConsumerIsKilledOnceItsAcknowledgementIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.figures = holdingFigures
		for _, h := range consumers {
			w.hits[h] = 5 // of an earlier strike
		}
		began := time.Now()
		w.deaf = true
		time.AfterFunc(700*time.Millisecond, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.deaf = false
		})
		a := action(t, "drop-acks", w.view(), 1)
		if err := a.Inject(within(t, time.Minute)); err != nil {
			t.Fatal(err)
		}
		if since := time.Since(began); since < 700*time.Millisecond || since > 720*time.Millisecond {
			t.Errorf("killed after %s: want as soon as frames were hit, after 700 ms", since)
		}
		if x, err := a.Observe(within(t, time.Minute)); err != nil || !x.Bit || x.Count < 2 || x.Count > 4 {
			t.Errorf("observed %+v, %v: want the hits of this strike", x, err)
		}
	})
}

func TestSharesAndCountsAreChecked(t *testing.T) {
	for _, bad := range []string{"share=0", "share=1.01", "share=NaN", "share=-1", "share=", "count=-1", "count=1.5", "then=nowhere", "until=dawn"} {
		for _, fault := range []string{"drop-acks", "drop-commits"} {
			if _, _, err := Find(fault + ":" + bad); err == nil {
				t.Errorf("%s:%s is allowed", fault, bad)
			}
		}
	}
	for _, good := range []string{"drop-acks:share=1", "drop-acks:share=1e-3:count=0:then=cut", "drop-commits:count=12"} {
		if _, _, err := Find(good); err != nil {
			t.Error(err)
		}
	}
}
