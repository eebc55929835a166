package nemesis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"waybill/harness/history"
	"waybill/harness/semantics"
	"waybill/nemesis/frames"
)

// world stands in for a lab: it does what it is told, writes it down, and answers what a test says. It runs in a synctest bubble.
type world struct {
	mu    sync.Mutex
	steps []string // what was asked for, in order

	state    map[string]string // of hosts; "up" if not named
	stuck    string            // hosts never leave this state, if set
	cut      map[string]int    // "a>b" → how often cut
	quiet    map[string]bool   // hosts at which nothing is dropped
	figures  func(host string, c history.Counter) uint64
	fail     map[string]error // by the first word of a step
	cuts     int              // how many cuts are possible; 0: any number
	sick     int              // how often Healthy says no
	unlinked int              // how often Reach says no
	anchor   string           // where a queue without failover lives
	head     string           // the host that leads the cluster itself
	rules    map[string][]frames.Rule
	hits     map[string]uint64 // frames of a host that something was done to
	deaf     bool              // rules do nothing
	given    func(host string) // called when a host was given rules; may be nil
}

func newWorld() *world {
	return &world{rules: map[string][]frames.Rule{}, hits: map[string]uint64{}, head: "n2", state: map[string]string{}, cut: map[string]int{}, quiet: map[string]bool{}, fail: map[string]error{},
		figures: func(string, history.Counter) uint64 { return 1 }}
}

var testTiming = Timing{Detection: 4 * time.Second, Redelivery: 2 * time.Second, Election: 10 * time.Second, Confirm: 3 * time.Second}

// view has three brokers and three lanes: "plain" confirms and acknowledges nothing, the others do both.
func (w *world) view() View {
	v := View{Brokers: brokers, Extra: extra, Timing: testTiming, Trigger: 5 * time.Second,
		Machines: w, Links: w, Leaders: w, Clients: w, Disks: w, Healthy: w.healthy}
	for _, name := range []string{"plain", "log", "ledger"} {
		m := semantics.Mode{Name: name}
		m.Traits.Confirms, m.Traits.Acks = name != "plain", name != "plain"
		m.Traits.DedupStore, m.Traits.Transactional = name == "ledger", name == "ledger"
		v.Lanes = append(v.Lanes, Lane{Name: name, Mode: m, Producers: []string{name + "-p1", name + "-p2"}, Consumers: []string{name + "-c1", name + "-c2"}})
	}
	return v
}

// step writes a step down and says whether it fails.
func (w *world) step(format string, args ...any) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := fmt.Sprintf(format, args...)
	w.steps = append(w.steps, s)
	return w.fail[strings.Fields(s)[0]]
}

// did are the steps that begin with word, without it.
func (w *world) did(word string) (out []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.steps {
		if rest, ok := strings.CutPrefix(s, word+" "); ok {
			out = append(out, rest)
		}
	}
	return out
}

func (w *world) become(state string, hosts []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, h := range hosts {
		w.state[h] = state
	}
}

func (w *world) Kill(_ context.Context, hosts ...string) error {
	w.become("down", hosts)
	return w.step("kill %s", strings.Join(hosts, ","))
}

func (w *world) Restart(_ context.Context, hosts ...string) error {
	w.become("up", hosts)
	w.mu.Lock()
	for _, h := range hosts {
		delete(w.rules, h) // who is born knows none
	}
	w.mu.Unlock()
	return w.step("restart %s", strings.Join(hosts, ","))
}

func (w *world) Pause(_ context.Context, hosts ...string) error {
	w.become("paused", hosts)
	return w.step("pause %s", strings.Join(hosts, ","))
}

func (w *world) Resume(_ context.Context, hosts ...string) error {
	w.become("up", hosts)
	return w.step("resume %s", strings.Join(hosts, ","))
}

func (w *world) State(host string) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stuck != "" {
		return w.stuck, nil
	}
	if s, ok := w.state[host]; ok {
		return s, nil
	}
	return "up", w.fail["state"]
}

func (w *world) Cut(from, to []string) (func() error, error) {
	if err := w.step("cut %s>%s", strings.Join(from, ","), strings.Join(to, ",")); err != nil {
		return nil, err
	}
	if w.cuts > 0 && len(w.did("cut")) > w.cuts {
		return nil, errors.New("no more rules")
	}
	change := func(by int) {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, f := range from {
			for _, t := range to {
				w.cut[f+">"+t] += by
			}
		}
	}
	change(+1)
	return sync.OnceValue(func() error { // as the lab's: healing twice is no error
		change(-1)
		return w.step("heal %s>%s", strings.Join(from, ","), strings.Join(to, ","))
	}), nil
}

// open are the directions that are cut now.
func (w *world) open() (out []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for pair, n := range w.cut {
		if n > 0 {
			out = append(out, pair)
		}
	}
	slices.Sort(out)
	return out
}

func (w *world) Dropped(host string) (uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for pair, n := range w.cut {
		if n > 0 && strings.HasSuffix(pair, ">"+host) && !w.quiet[host] {
			return 3, w.fail["dropped"]
		}
	}
	return 0, w.fail["dropped"]
}

func (w *world) Reach(_ context.Context, from, broker string) error {
	w.mu.Lock()
	if w.unlinked > 0 {
		w.unlinked--
		w.mu.Unlock()
		return errors.New("no route")
	}
	w.mu.Unlock()
	return w.step("reach %s>%s", from, broker)
}

func (w *world) Gather(_ context.Context, of, node string) error {
	return w.step("gather %s at %s", of, node)
}

func (w *world) Anchor(context.Context, string) (string, error) { return w.anchor, w.fail["anchor"] }

func (w *world) Controller(context.Context) (string, error) { return w.head, w.fail["controller"] }

func (w *world) Pin(_ context.Context, node string, hosts ...string) error {
	return w.step("pin %q %s", node, strings.Join(hosts, ","))
}

func (w *world) Counter(host string, c history.Counter) uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c == history.Hits {
		if len(w.rules[host]) > 0 && !w.deaf && w.figures(host, history.Held)+w.figures(host, history.InFlight) > 0 {
			w.hits[host]++
		}
		return w.hits[host]
	}
	return w.figures(host, c)
}

func (w *world) Filter(_ context.Context, rules []frames.Rule, hosts ...string) error {
	w.mu.Lock()
	for _, h := range hosts {
		if w.rules[h] = rules; len(rules) == 0 {
			delete(w.rules, h)
		} else if w.given != nil {
			w.given(h)
		}
	}
	w.mu.Unlock()
	if len(rules) == 0 {
		return w.step("pass %s", strings.Join(hosts, ","))
	}
	return w.step("filter %s", strings.Join(hosts, ","))
}

func (w *world) healthy(context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sick > 0 {
		w.sick--
		return errors.New("n2 lags behind")
	}
	w.steps = append(w.steps, "healthy")
	return nil
}

func TestUntilAsksAgainAndReportsWhatWasLastSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		n := 0
		if err := until(ctx, func(context.Context) error {
			if n++; n < 5 {
				return errors.New("not yet")
			}
			return nil
		}); err != nil || n != 5 {
			t.Errorf("%v after %d looks, want none after 5", err, n)
		}
		began := time.Now()
		looks := 0
		err := until(ctx, func(look context.Context) error {
			looks++
			if looks == 1 {
				return errors.New("two of three")
			}
			<-look.Done() // the question hangs, and is asked again
			return look.Err()
		})
		if time.Since(began) > 10*time.Second || looks < 3 {
			t.Errorf("%d looks in %s: one that hangs must be asked again", looks, time.Since(began))
		}
		if err == nil {
			t.Error("no error although nothing was ever well")
		}
		short, stop := context.WithTimeout(context.Background(), time.Second)
		defer stop()
		err = until(short, func(look context.Context) error {
			select {
			case <-look.Done():
				return look.Err() // cut off by the limit: says nothing of its own accord
			case <-time.After(400 * time.Millisecond):
				return errors.New("two of three")
			}
		})
		if err == nil || err.Error() != "two of three" {
			t.Errorf("at the limit: %v, want what was last said of its own accord", err)
		}
	})
}
