package run

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/nemesis"
	"waybill/nemesis/frames"
)

// filterOrder gives a worker the rules for its client's frames.
const filterOrder = "filter"

// filter is what stands between a worker's client and its connections. What is done to a frame is recorded in the life's own segment, and
// counted in the one with the live figures, so that a fault sees it at once, and also after the worker was killed.
type filter struct {
	frames   *frames.Filter
	conn     *connections
	counters atomic.Pointer[history.Counters]
}

func newFilter(protocol string, conn *connections) (*filter, error) {
	f := &filter{conn: conn}
	var err error
	if f.frames, err = frames.New(protocol, f.hit); err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	return f, nil
}

func (f *filter) hit(h frames.Hit) {
	f.conn.record(hitEvent(h))
	if c := f.counters.Load(); c != nil {
		c.Add(history.Hits, 1)
	}
}

func hitEvent(h frames.Hit) history.Event {
	return history.Event{Kind: history.FaultHit, Ref: h.Ref, Name: string(h.Kind), Count: uint64(h.Bytes),
		Text: fmt.Sprintf("%s, on the connection to %s", h.Act, h.Addr)}
}

// order sets the rules, and answers how many connections there were whose frames were not understood: rules do nothing there.
func (f *filter) order(body json.RawMessage) (lost int, err error) {
	var rules []frames.Rule
	if err := json.Unmarshal(body, &rules); err != nil {
		return 0, err
	}
	return f.frames.Lost(), f.frames.Set(rules)
}

// needsFrames reports whether a schedule has a fault that does something to single frames.
func needsFrames(s experiment.Schedule) (bool, error) {
	for _, e := range s.Episodes {
		if needs, err := nemesis.NeedsFrames(e.Fault); err != nil || needs {
			return needs, err
		}
	}
	return false, nil
}

// Filter implements nemesis.Clients.
func (x clients) Filter(ctx context.Context, rules []frames.Rule, hosts ...string) error {
	own := make([]frames.Rule, len(rules))
	for i, r := range rules {
		r.Ref = uint64(x.c.episode.Load())
		if err := r.Check(x.c.product.Protocol); err != nil {
			return err
		}
		own[i] = r
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, h := range hosts {
		m, ok := x.c.members[h]
		if !ok {
			return fmt.Errorf("run: no client %q", h)
		}
		g.Go(func() error {
			lost, err := m.filter(ctx, own)
			if lost > 0 {
				x.c.tell(Progress{Warning: fmt.Sprintf("%s: the frames of %d connections were not understood, and pass untouched", h, lost)})
			}
			return err
		})
	}
	return g.Wait()
}
