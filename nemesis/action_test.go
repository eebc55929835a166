package nemesis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"waybill/harness/history"
)

// action is a fault with its victims chosen by seed.
func action(t *testing.T, spec string, v View, seed uint64) Action {
	t.Helper()
	f, args, err := Find(spec)
	if err != nil {
		t.Fatal(err)
	}
	a, err := f.New(rand.New(rand.NewPCG(seed, 1)), v, args)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// within is a context that ends after d of the bubble's time.
func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// struck are the hosts that are not up.
func (w *world) struck() (out []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for h, s := range w.state {
		if s != "up" {
			out = append(out, h+" "+s)
		}
	}
	slices.Sort(out)
	return out
}

// holdingFigures are those of consumers that hold a batch of which one message is applied, and of producers with three in flight.
func holdingFigures(_ string, c history.Counter) uint64 {
	return map[history.Counter]uint64{history.InFlight: 3, history.Held: 9, history.AppliedUnacked: 1}[c]
}

// harm is what a fault does to the world, beyond its victims' choice.
type harm struct {
	state   string // of the struck hosts
	hosts   []string
	perLane string   // "p" or "c": one producer, or consumer, of each lane
	lanes   []string // of perLane; nil: every one
	links   func(node string) []string
	rules   []string // hosts whose frames something is done to
}

// pairs are all directions from one set to another.
func pairs(from, to []string) (out []string) {
	for _, f := range from {
		for _, t := range to {
			out = append(out, f+">"+t)
		}
	}
	return out
}

var (
	brokers   = []string{"n1", "n2", "n3"}
	extra     = []string{"k1"}
	producers = []string{"plain-p1", "plain-p2", "log-p1", "log-p2", "ledger-p1", "ledger-p2"}
	consumers = []string{"plain-c1", "plain-c2", "log-c1", "log-c2", "ledger-c1", "ledger-c2"}
	clients   = slices.Concat(producers, consumers)
)

func isolated(node string) []string {
	others := slices.DeleteFunc(slices.Concat(brokers, extra), func(b string) bool { return b == node })
	return slices.Concat(pairs([]string{node}, others), pairs(others, []string{node}))
}

var harms = map[string]harm{
	"kill-broker":               {state: "down"},
	"kill-leader":               {state: "down"},
	"kill-leader:of=consumer":   {state: "down"},
	"kill-all":                  {state: "down", hosts: brokers},
	"kill-controller":           {state: "down"},
	"power-failure":             {state: "down", hosts: brokers},
	"power-failure:of=one":      {state: "down"},
	"kill-consumer":             {state: "down", perLane: "c"},
	"kill-consumer:times=10":    {state: "down", perLane: "c"},
	"kill-producer":             {state: "down", perLane: "p"},
	"pause-broker":              {state: "paused"},
	"pause-consumer":            {state: "paused", perLane: "c"},
	"isolate-broker":            {links: isolated},
	"isolate-leader":            {links: isolated},
	"cut-clients":               {links: func(string) []string { return slices.Concat(pairs(clients, brokers), pairs(brokers, clients)) }},
	"lose-confirms":             {links: func(string) []string { return pairs(brokers, producers) }},
	"lose-acks":                 {links: func(string) []string { return pairs(consumers, brokers) }},
	"drop-confirms":             {rules: producers[2:]},
	"drop-acks":                 {state: "down", perLane: "c", lanes: []string{"ledger", "log"}},
	"drop-acks:then=cut":        {rules: consumers[2:]},
	"drop-acks:then=nothing":    {rules: consumers[2:]},
	"drop-commits":              {rules: consumers[4:]},
	"drop-commits:until=giveup": {rules: consumers[4:]},
	"delay-acks":                {rules: slices.Concat(producers[2:], consumers[2:])},
	"hold-requests":             {rules: slices.Concat(producers, consumers[4:])},
	"duplicate-requests":        {rules: producers[4:]},
}

// check compares the world while the fault lasts with what the fault is to do, and nothing else.
func (h harm) check(t *testing.T, w *world, victims string) {
	t.Helper()
	open := w.open()
	if h.links != nil {
		ok := slices.ContainsFunc(brokers, func(node string) bool {
			want := h.links(node)
			slices.Sort(want)
			return slices.Equal(open, want)
		})
		if !ok || len(w.struck()) != 0 {
			t.Errorf("cut are %v, struck are %v", open, w.struck())
		}
		for _, pair := range open {
			from, to, _ := strings.Cut(pair, ">")
			if !strings.Contains(victims, from) || !strings.Contains(victims, to) {
				t.Errorf("the victims %q do not name %s", victims, pair)
			}
		}
		return
	}
	if h.rules != nil {
		got := slices.Sorted(maps.Keys(w.rules))
		if !slices.Equal(got, slices.Sorted(slices.Values(h.rules))) || len(open)+len(w.struck()) != 0 {
			t.Errorf("filtered are %v, want %v; cut are %v, struck are %v", got, h.rules, open, w.struck())
		}
		for _, host := range got {
			if !strings.Contains(victims, host) {
				t.Errorf("the victims %q do not name %s", victims, host)
			}
			for _, r := range w.rules[host] {
				if err := r.Check("kafka"); err != nil {
					t.Error(err)
				}
			}
		}
		return
	}
	got := w.struck()
	for _, x := range got {
		if host, state, _ := strings.Cut(x, " "); state != h.state || !strings.Contains(victims, host) {
			t.Errorf("%s is %s; the victims are %q", host, state, victims)
		}
	}
	ok := len(got) == 1 && slices.Contains(brokers, strings.Fields(got[0])[0])
	switch {
	case h.hosts != nil:
		ok = len(got) == len(h.hosts)
	case h.perLane != "":
		lanes := h.lanes
		if lanes == nil {
			lanes = []string{"ledger", "log", "plain"}
		}
		ok = len(got) == len(lanes)
		for i, lane := range lanes {
			ok = ok && strings.HasPrefix(got[i], lane+"-"+h.perLane)
		}
	}
	if !ok || len(open) != 0 {
		t.Errorf("struck are %v, cut are %v", got, open)
	}
}

func TestAFaultStrikesItsVictimsAloneAndLeavesNothingBehind(t *testing.T) {
	for _, spec := range append(All(), "kill-consumer:times=10") {
		for seed := range uint64(6) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.figures = holdingFigures
				a := action(t, spec, w.view(), seed)
				ctx := within(t, time.Minute)
				if err := a.Recover(ctx); err != nil || len(w.did("restart"))+len(w.did("resume"))+len(w.did("heal"))+len(w.did("pass")) != 0 {
					t.Errorf("recovering before the strike: %v, did %v", err, w.steps)
				}
				if err := a.Arm(ctx); err != nil {
					t.Fatal(err)
				}
				if len(w.open()) != 0 || len(w.struck()) != 0 || len(w.rules) != 0 {
					t.Errorf("%s strikes while it arms: %v %v", spec, w.open(), w.struck())
				}
				if err := a.Inject(ctx); err != nil {
					t.Fatal(err)
				}
				h, known := harms[spec]
				if !known {
					t.Fatalf("say in harms what %s does", spec)
				}
				h.check(t, w, a.Victims())
				x, err := a.Observe(ctx)
				if err != nil || !x.Bit || x.Count == 0 || x.Text == "" {
					t.Errorf("%s: observed %+v, %v", spec, x, err)
				}
				healed := func() int {
					return len(w.did("restart")) + len(w.did("resume")) + len(w.did("heal")) + len(w.did("pass"))
				}
				if err := a.Recover(ctx); err != nil {
					t.Fatal(err)
				}
				once := healed()
				if err := a.Recover(ctx); err != nil || healed() != once || once == 0 {
					t.Errorf("%s: recovering again: %v; mended %d, then %d times", spec, err, once, healed())
				}
				if len(w.open()) != 0 || len(w.struck()) != 0 || len(w.rules) != 0 {
					t.Errorf("%s leaves behind: cut %v, struck %v, rules %v", spec, w.open(), w.struck(), w.rules)
				}
				w.sick, w.unlinked = 3, 3 // neither the cluster nor the network is well at once
				if err := a.Verify(ctx); err != nil || w.sick+w.unlinked > 0 && h.links != nil || w.sick > 0 {
					t.Errorf("%s: verified %v with %d looks at the cluster and %d at links to go", spec, err, w.sick, w.unlinked)
				}
			})
		}
	}
}

func TestArmWaitsForSomethingInFlight(t *testing.T) {
	for _, spec := range All() {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			began := time.Now()
			w.figures = func(host string, c history.Counter) uint64 {
				if time.Since(began) < 200*time.Millisecond {
					return 0
				}
				return holdingFigures(host, c)
			}
			v := w.view()
			v.Trigger = 500 * time.Millisecond
			if err := action(t, spec, v, 1).Arm(context.Background()); err != nil || time.Since(began) < 200*time.Millisecond || time.Since(began) > 210*time.Millisecond {
				t.Errorf("%s armed after %s: %v; something was in flight after 200 ms", spec, time.Since(began), err)
			}
			w.figures = func(string, history.Counter) uint64 { return 0 }
			began = time.Now()
			a := action(t, spec, v, 1)
			if err := a.Arm(context.Background()); err != nil || time.Since(began) != v.Trigger {
				t.Errorf("%s: nothing was ever in flight, armed after %s: %v; the limit is %s and no error", spec, time.Since(began), err, v.Trigger)
			}
			if err := a.Inject(context.Background()); err != nil {
				t.Fatal(err)
			}
			if x, err := a.Observe(context.Background()); err != nil || x.Bit || x.Count != 0 {
				t.Errorf("%s struck nothing in flight, and observed %+v, %v", spec, x, err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
			defer cancel()
			if err := action(t, spec, v, 1).Arm(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: interrupted while arming: %v", spec, err)
			}
		})
	}
}

func TestTriggersLookAtTheVictimsAndAtEveryLaneThatConfirms(t *testing.T) {
	victim := func(w *world, spec string) []string { // of seed 1
		return strings.Split(strings.TrimPrefix(action(t, spec, w.view(), 1).Victims(), "kill "), ", ")
	}
	v := newWorld()
	killedProducers, killedConsumers := victim(v, "kill-producer"), victim(v, "kill-consumer")
	log, plain := killedConsumers[1], killedConsumers[0]
	if !strings.HasPrefix(log, "log-") || !strings.HasPrefix(plain, "plain-") {
		t.Fatal(killedConsumers)
	}
	type figure map[history.Counter]uint64
	ready := figure{history.Held: 5, history.AppliedUnacked: 1}
	for _, c := range []struct {
		claim, spec string
		figures     func(host string) figure
		armed       bool
	}{
		{"a lane that confirms nothing is not waited for", "kill-broker",
			func(h string) figure {
				return figure{history.InFlight: map[bool]uint64{true: 0, false: 1}[strings.HasPrefix(h, "plain")]}
			}, true},
		{"every lane that confirms is waited for", "kill-broker",
			func(h string) figure {
				return figure{history.InFlight: map[bool]uint64{true: 0, false: 1}[strings.HasPrefix(h, "log")]}
			}, false},
		{"any producer of a lane will do", "kill-broker",
			func(h string) figure {
				return figure{history.InFlight: map[bool]uint64{true: 0, false: 1}[strings.HasSuffix(h, "p1")]}
			}, true},
		{"a producer about to be killed is waited for", "kill-producer",
			func(h string) figure {
				return figure{history.InFlight: map[bool]uint64{true: 0, false: 1}[slices.Contains(killedProducers, h)]}
			}, false},
		{"other producers than the victims do not matter", "kill-producer",
			func(h string) figure {
				return figure{history.InFlight: map[bool]uint64{true: 1, false: 0}[slices.Contains(killedProducers, h)]}
			}, true},
		{"other consumers than the victims do not matter", "kill-consumer",
			func(h string) figure {
				if slices.Contains(killedConsumers, h) {
					return ready
				}
				return nil
			}, true},
		{"one applied, and fewer than four left to apply, might be over before the strike", "kill-consumer",
			func(string) figure { return figure{history.Held: 4, history.AppliedUnacked: 1} }, false},
		{"none applied leaves no acknowledgement to lose", "kill-consumer",
			func(string) figure { return figure{history.Held: 9} }, false},
		{"a lane without acknowledgements needs none applied", "kill-consumer",
			func(h string) figure {
				if h == plain {
					return figure{history.Held: 4}
				}
				return ready
			}, true},
		{"every victim is waited for", "kill-consumer",
			func(h string) figure {
				if h == log {
					return figure{history.Held: 2, history.AppliedUnacked: 1}
				}
				return ready
			}, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.figures = func(h string, x history.Counter) uint64 { return c.figures(h)[x] }
			view := w.view()
			view.Trigger = 20 * time.Millisecond
			began := time.Now()
			if err := action(t, c.spec, view, 1).Arm(context.Background()); err != nil || (time.Since(began) == 0) != c.armed {
				t.Errorf("%s: %s armed after %s, %v; want at once: %v", c.claim, c.spec, time.Since(began), err, c.armed)
			}
		})
	}
}

// Between the last look and the strike a victim may have gone on: what it held when it died is what counts.
func TestExposureIsWhatVictimsHeldWhenTheyWereStruck(t *testing.T) {
	for _, c := range []struct {
		claim         string
		held, applied uint64
		lane          string // of which these are the figures at the strike
		bit           bool
	}{
		{"still a batch", 7, 2, "log", true},
		{"one left to apply", 3, 2, "log", true},
		{"all applied, and perhaps acknowledged by now", 2, 2, "log", false},
		{"received, and nothing applied", 5, 0, "log", false},
		{"all acknowledged", 0, 0, "log", false},
		{"without acknowledgements, one not yet applied", 1, 0, "plain", true},
		{"without acknowledgements, all applied", 0, 0, "plain", false},
	} {
		for _, spec := range []string{"kill-consumer", "pause-consumer"} {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.figures = holdingFigures
				a := action(t, spec, w.view(), 1)
				ctx := within(t, time.Minute)
				if err := errors.Join(a.Arm(ctx), a.Inject(ctx)); err != nil {
					t.Fatal(err)
				}
				w.figures = func(h string, x history.Counter) uint64 {
					if strings.HasPrefix(h, c.lane) {
						return map[history.Counter]uint64{history.Held: c.held, history.AppliedUnacked: c.applied}[x]
					}
					return holdingFigures(h, x)
				}
				x, err := a.Observe(ctx)
				if err != nil || x.Bit != c.bit || x.Count != int64(18+c.held) || !strings.Contains(x.Text, fmt.Sprintf("held %d (%d applied)", c.held, c.applied)) {
					t.Errorf("%s: %s observed %+v, %v; want bit %v", c.claim, spec, x, err, c.bit)
				}
			})
		}
	}
}

func TestAStrikeThatIsNotSeenToTakeEffectIsAnError(t *testing.T) {
	for spec, h := range harms {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.figures = holdingFigures
			a := action(t, spec, w.view(), 1)
			if err := a.Arm(within(t, time.Minute)); err != nil {
				t.Fatal(err)
			}
			if h.rules != nil {
				w.deaf = true // the rules were set, and nothing came of it
				if err := a.Inject(within(t, time.Second)); err != nil {
					t.Fatal(err)
				}
				if x, err := a.Observe(within(t, time.Minute)); err != nil || x.Bit || x.Count != 0 {
					t.Errorf("%s: no frame was touched, and observed %+v, %v", spec, x, err)
				}
				return
			}
			if h.links == nil {
				w.stuck = "up" // the signal was sent, and nothing came of it
				err := a.Inject(within(t, time.Second))
				if err == nil {
					_, err = a.Observe(within(t, time.Second))
				}
				if err == nil || !strings.Contains(err.Error(), "is up, not "+h.state) {
					t.Errorf("%s: %v, want that a victim is still up", spec, err)
				}
				return
			}
			if err := a.Inject(within(t, time.Minute)); err != nil {
				t.Fatal(err)
			}
			// Packets are dropped in all directions but one: then that one was not cut.
			for _, l := range a.(*cut).links {
				w.quiet = map[string]bool{}
				for _, host := range l.to {
					w.quiet[host] = true
				}
				want := "nothing from " + strings.Join(l.from, ",") + " to " + strings.Join(l.to, ",")
				if x, err := a.Observe(within(t, time.Second)); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: observed %+v, %v, want %q", spec, x, err, want)
				}
			}
		})
	}
}

func TestWhatFailsHalfwayIsMendedAll(t *testing.T) {
	ctx := context.Background()
	t.Run("the second direction of a cut", func(t *testing.T) {
		w := newWorld()
		w.cuts = 1
		a := action(t, "isolate-broker", w.view(), 1)
		if err := a.Inject(ctx); err == nil || len(w.open()) == 0 {
			t.Fatalf("%v with %v cut", err, w.open())
		}
		if err := a.Recover(ctx); err != nil || len(w.open()) != 0 {
			t.Errorf("%v, still cut: %v", err, w.open())
		}
	})
	for spec, again := range map[string]string{"kill-all": "restart", "pause-broker": "resume"} {
		t.Run("a recovery that failed is tried again by "+again, func(t *testing.T) {
			w := newWorld()
			a := action(t, spec, w.view(), 1)
			if err := a.Inject(ctx); err != nil {
				t.Fatal(err)
			}
			w.fail[again] = errors.New("no such process")
			if err := a.Recover(ctx); !errors.Is(err, w.fail[again]) {
				t.Errorf("recovered with %v", err)
			}
			delete(w.fail, again)
			if err := a.Recover(ctx); err != nil || len(w.did(again)) != 2 {
				t.Errorf("%v after %v", err, w.did(again))
			}
		})
	}
	t.Run("a strike that failed is recovered from all the same", func(t *testing.T) {
		for spec, word := range map[string]string{"kill-all": "kill", "pause-broker": "pause"} {
			w := newWorld()
			w.fail[word] = errors.New("not permitted")
			a := action(t, spec, w.view(), 1)
			if err := a.Inject(ctx); !errors.Is(err, w.fail[word]) {
				t.Errorf("%s: injected with %v", spec, err)
			}
			if err := a.Recover(ctx); err != nil || len(w.struck()) != 0 {
				t.Errorf("%s: %v, left behind: %v", spec, err, w.struck())
			}
		}
	})
}

func TestVerifyIsNotDeceived(t *testing.T) {
	for _, spec := range All() {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			a := action(t, spec, w.view(), 1)
			if err := errors.Join(a.Arm(within(t, time.Minute)), a.Inject(within(t, time.Minute)), a.Recover(within(t, time.Minute))); err != nil {
				t.Fatal(err)
			}
			w.sick = 1_000_000
			if err := a.Verify(within(t, 10*time.Second)); err == nil || err.Error() != "n2 lags behind" {
				t.Errorf("%s: a cluster that never heals: %v", spec, err)
			}
			w.sick = 0
			if harms[spec].links != nil {
				w.unlinked = 1_000_000
				if err := a.Verify(within(t, 10*time.Second)); err == nil || !strings.Contains(err.Error(), "after the heal: no route") {
					t.Errorf("%s: a link that stays cut: %v", spec, err)
				}
				return
			}
			w.stuck = cmp.Or(harms[spec].state, "down")
			if err := a.Verify(within(t, 10*time.Second)); err == nil || !strings.Contains(err.Error(), "is "+w.stuck+", not up") {
				t.Errorf("%s: a victim that is not back: %v", spec, err)
			}
		})
	}
}

// Clients do not listen: a new connection goes to a broker, whichever direction was cut, and every pair that was cut is tried.
func TestVerifyDialsBrokersAlongEveryPairThatWasCut(t *testing.T) {
	for spec, h := range harms {
		if h.links == nil {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			a := action(t, spec, w.view(), 1)
			ctx := within(t, time.Minute)
			if err := a.Inject(ctx); err != nil {
				t.Fatal(err)
			}
			want := map[string]bool{}
			for _, pair := range w.open() {
				from, to, _ := strings.Cut(pair, ">")
				if !slices.Contains(brokers, to) {
					pair = to + ">" + from
				}
				want[pair] = true
			}
			if err := errors.Join(a.Recover(ctx), a.Verify(ctx)); err != nil {
				t.Fatal(err)
			}
			got := map[string]bool{}
			for _, pair := range w.did("reach") {
				got[pair] = true
				if _, to, _ := strings.Cut(pair, ">"); !slices.Contains(brokers, to) {
					t.Errorf("%s dials %s", spec, pair)
				}
			}
			for pair := range want {
				if !got[pair] {
					t.Errorf("%s cut %s and does not verify it", spec, pair)
				}
			}
			if len(got) != len(want) {
				t.Errorf("%s verifies %d pairs, cut were %d", spec, len(got), len(want))
			}
		})
	}
}

func TestIsolateLeaderKeepsOneProducerAndOneConsumerOfEachLaneOnTheStaleSide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.figures = holdingFigures
		a := action(t, "isolate-leader", w.view(), 1)
		ctx := within(t, time.Minute)
		if err := errors.Join(a.Arm(ctx), a.Inject(ctx), a.Recover(ctx)); err != nil {
			t.Fatal(err)
		}
		var node, hosts string
		if n, err := fmt.Sscanf(w.did("pin")[0], "%q %s", &node, &hosts); n != 2 {
			t.Fatal(err)
		}
		pinned := strings.Split(hosts, ",")
		roles := map[string]int{}
		for _, h := range pinned {
			roles[strings.TrimRight(h, "0123456789")]++
		}
		for _, lane := range []string{"plain", "log", "ledger"} {
			if roles[lane+"-p"] != 1 || roles[lane+"-c"] != 1 {
				t.Errorf("pinned are %v: want one producer and one consumer of %s", pinned, lane)
			}
		}
		var words []string
		for _, s := range w.steps {
			words = append(words, strings.Fields(s)[0])
		}
		if want := []string{"pin", "gather", "cut", "cut", "heal", "heal", "pin"}; !slices.Equal(words, want) {
			t.Errorf("steps %q, want %v", w.steps, want)
		}
		if w.did("gather")[0] != "queue at "+node || !slices.Contains(isolated(node), strings.Split(w.did("cut")[0], ",")[0]) {
			t.Errorf("clients were pinned to %s: %q", node, w.steps)
		}
		if w.did("pin")[1] != `"" `+hosts {
			t.Errorf("let free: %s, pinned: %s", w.did("pin")[1], hosts)
		}
	})
}

func TestClientsArePinnedNoLongerThoughArmingFailed(t *testing.T) {
	for _, word := range []string{"gather", "pin"} {
		w := newWorld()
		w.fail[word] = errors.New("no quorum")
		a := action(t, "isolate-leader", w.view(), 1)
		if err := a.Arm(context.Background()); !errors.Is(err, w.fail[word]) {
			t.Errorf("%s fails, armed with %v", word, err)
		}
		delete(w.fail, word)
		if err := a.Recover(context.Background()); err != nil {
			t.Error(err)
		}
		if pins := w.did("pin"); len(pins) != 2 || !strings.HasPrefix(pins[1], `"" `) {
			t.Errorf("%s fails: pins %q, want the clients free again", word, pins)
		}
	}
}

func TestKillLeaderGathersWhatItIsToKill(t *testing.T) {
	for spec, of := range map[string]string{"kill-leader": "queue", "kill-leader:of=consumer": "consumer"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			a := action(t, spec, w.view(), 1)
			if err := errors.Join(a.Arm(within(t, time.Minute)), a.Inject(within(t, time.Minute))); err != nil {
				t.Fatal(err)
			}
			node := w.did("kill")[0]
			if want := []string{"gather " + of + " at " + node, "kill " + node}; !slices.Equal(w.steps, want) {
				t.Errorf("%s: steps %q, want %q", spec, w.steps, want)
			}
			w.fail["gather"] = errors.New("no quorum")
			if err := action(t, spec, w.view(), 1).Arm(within(t, time.Minute)); !errors.Is(err, w.fail["gather"]) {
				t.Errorf("%s: leaders that cannot be gathered: %v", spec, err)
			}
		})
	}
}

func TestLeadersAreGatheredWhereAQueueWithoutFailoverLives(t *testing.T) {
	for _, spec := range []string{"kill-leader", "isolate-leader"} {
		for seed := range uint64(6) { // whichever broker the seed would have chosen
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.figures, w.anchor = holdingFigures, "n3"
				a := action(t, spec, w.view(), seed)
				if err := errors.Join(a.Arm(within(t, time.Minute)), a.Inject(within(t, time.Minute))); err != nil {
					t.Fatal(err)
				}
				if at := w.did("gather"); len(at) != 1 || at[0] != "queue at n3" {
					t.Errorf("%s: leaders are gathered %q, want them at n3", spec, at)
				}
				want := isolated("n3")
				slices.Sort(want)
				if killed := w.did("kill"); spec == "kill-leader" && !slices.Equal(killed, []string{"n3"}) {
					t.Errorf("killed are %q, want n3", killed)
				} else if spec == "isolate-leader" && (!slices.Equal(w.open(), want) || !strings.HasPrefix(w.did("pin")[0], `"n3" `)) {
					t.Errorf("cut are %q, pinned %q; want n3 from the others, and clients at n3", w.open(), w.did("pin"))
				}
				if !strings.Contains(a.Victims(), "n3") {
					t.Errorf("%s: the victims are %q", spec, a.Victims())
				}
				w.fail["anchor"] = errors.New("nobody answers")
				if err := action(t, spec, w.view(), seed).Arm(within(t, time.Minute)); !errors.Is(err, w.fail["anchor"]) {
					t.Errorf("%s: nobody knows where they live: %v", spec, err)
				}
			})
		}
	}
}

// Moments at which a consumer holds something come often, and never to all lanes at once.
func TestEachConsumerIsStruckAtAMomentOfItsOwn(t *testing.T) {
	for spec, word := range map[string]string{"kill-consumer": "kill", "pause-consumer": "pause"} {
		for _, c := range []struct {
			claim string
			never string // a lane whose consumer never holds anything
			bit   bool
			most  time.Duration
		}{
			{"each lane in turn", "", true, 40 * time.Millisecond},
			{"a lane that never holds anything is struck at the limit", "log", false, 510 * time.Millisecond},
		} {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				began := time.Now()
				died := map[string]time.Duration{} // hosts struck → when: their figures stay as they were
				w.figures = func(h string, x history.Counter) uint64 {
					at, dead := died[h]
					if !dead {
						at = time.Since(began)
					}
					lane, _, _ := strings.Cut(h, "-")
					turn := map[string]time.Duration{"plain": 0, "log": 1, "ledger": 2}[lane]
					if lane == c.never || (at/(10*time.Millisecond))%3 != turn {
						return 0
					}
					return holdingFigures(h, x)
				}
				v := w.view()
				v.Trigger = 500 * time.Millisecond
				v.Machines = &clocked{w, func(hosts []string) {
					for _, h := range hosts {
						died[h] = time.Since(began)
					}
				}}
				a := action(t, spec, v, 1)
				if err := a.Arm(within(t, time.Minute)); err != nil {
					t.Fatal(err)
				}
				armed := time.Now()
				if err := a.Inject(within(t, time.Minute)); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(armed); took > c.most || len(w.did(word)) != 3 || len(died) != 3 {
					t.Errorf("%s: %s took %s and struck %q", c.claim, spec, took, w.did(word))
				}
				if x, err := a.Observe(within(t, time.Minute)); err != nil || x.Bit != c.bit {
					t.Errorf("%s: %s observed %+v, %v; want bit %v", c.claim, spec, x, err, c.bit)
				}
			})
		}
	}
}

// clocked tells when hosts are struck.
type clocked struct {
	*world
	struck func(hosts []string)
}

func (c *clocked) Kill(ctx context.Context, hosts ...string) error {
	c.struck(hosts)
	return c.world.Kill(ctx, hosts...)
}

func (c *clocked) Cut(from, to []string) (func() error, error) {
	c.struck(from)
	return c.world.Cut(from, to)
}

func (c *clocked) Pause(ctx context.Context, hosts ...string) error {
	c.struck(hosts)
	return c.world.Pause(ctx, hosts...)
}

// A consumer that is cut off while it holds deliveries acknowledges them, since a cut takes a while, and asks for the next ones in vain.
func TestEachConsumerIsCutOffWhileItWaits(t *testing.T) {
	const period, applying = 90 * time.Millisecond, 30 * time.Millisecond
	for _, c := range []struct {
		claim string
		never bool // whether the consumers of one lane never wait
		most  time.Duration
	}{
		{"each lane in turn", false, period},
		{"a lane that never waits is cut off at the limit", true, 510 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			began := time.Now()
			holds := func(h string, at time.Duration) bool {
				lane, _, _ := strings.Cut(h, "-")
				turn := map[string]time.Duration{"plain": 0, "log": 1, "ledger": 2}[lane] * applying
				return c.never && lane == "log" || (at+period-turn)%period < applying
			}
			deaf := map[string]bool{}
			w.figures = func(h string, x history.Counter) uint64 {
				if deaf[h] || !holds(h, time.Since(began)) {
					return 0
				}
				return holdingFigures(h, x)
			}
			v := w.view()
			v.Trigger = 500 * time.Millisecond
			var cut []int // how many hosts at a time
			v.Links = &clocked{w, func(hosts []string) {
				cut = append(cut, len(hosts))
				for _, h := range hosts {
					deaf[h] = !c.never && holds(h, time.Since(began))
				}
			}}
			a := action(t, "lose-acks", v, 1)
			if err := a.Arm(within(t, time.Minute)); err != nil {
				t.Fatal(err)
			}
			armed := time.Now()
			if err := a.Inject(within(t, time.Minute)); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(armed); took > c.most || !slices.Equal(cut, []int{1, 1, 1, 3}) {
				t.Errorf("%s: took %s and cut off %v hosts at a time", c.claim, took, cut)
			}
			if x, err := a.Observe(within(t, time.Minute)); err != nil || !x.Bit {
				t.Errorf("%s: observed %+v, %v", c.claim, x, err)
			}
		})
	}
}

func TestAcknowledgementsCutOffForLongerNeedNotAllBeUnderWayAtOnce(t *testing.T) {
	// What the consumers of the lane "log" do, once it is cut.
	for turn, want := range map[string]bool{"hold for long": true, "hold nothing": false, "let go of what comes": true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			cut := time.Time{}
			w.figures = func(h string, x history.Counter) uint64 {
				lane, _, _ := strings.Cut(h, "-")
				if came := !cut.IsZero() && time.Since(cut) > 1200*time.Millisecond; x == history.Received {
					return map[bool]uint64{true: 5}[came && turn == "let go of what comes"]
				} else if !cut.IsZero() && lane == "log" && (turn != "hold for long" || !came) {
					return 0
				}
				return holdingFigures(h, x)
			}
			a := action(t, "lose-acks", w.view(), 1)
			if err := a.Arm(within(t, time.Minute)); err != nil {
				t.Fatal(err)
			}
			cut = time.Now()
			if err := a.Inject(within(t, time.Minute)); err != nil {
				t.Fatal(err)
			}
			if x, err := a.Observe(within(t, time.Minute)); err != nil || x.Bit != want {
				t.Errorf("consumers that %s: %+v, %v; want bit %v", turn, x, err, want)
			}
		})
	}
}

func TestKillControllerStrikesWhoLeadsWhenItIsArmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		a := action(t, "kill-controller", w.view(), 1)
		if a.Victims() != "kill the controller" {
			t.Errorf("before it is armed its victims are %q", a.Victims())
		}
		w.head = "k1" // no broker
		if err := errors.Join(a.Arm(within(t, time.Minute)), a.Inject(within(t, time.Minute))); err != nil {
			t.Fatal(err)
		}
		if killed := w.did("kill"); !slices.Equal(killed, []string{"k1"}) || a.Victims() != "kill k1" {
			t.Errorf("killed are %q; the victims are %q", killed, a.Victims())
		}
		w.fail["controller"] = errors.New("no quorum")
		if err := action(t, "kill-controller", w.view(), 1).Arm(within(t, time.Minute)); !errors.Is(err, w.fail["controller"]) {
			t.Errorf("nobody leads: %v", err)
		}
	})
}

func TestWhatHoldsADeliveryFollowsFromHowItIsAcknowledged(t *testing.T) {
	for _, c := range []struct {
		claim         string
		first, txn    bool
		held, applied uint64
		armed, struck bool // whether figures like these let it strike, and count as a bite
	}{
		{"acknowledged first, four left to apply", true, false, 4, 0, true, true},
		{"acknowledged first, one left to apply", true, false, 1, 0, false, true},
		{"acknowledged first, all applied", true, false, 0, 0, false, false},
		{"a transaction with one output and four to come", false, true, 5, 1, true, true},
		{"a transaction with all outputs, whose end may be on its way", false, true, 16, 16, false, false},
		{"a transaction with one output to come", false, true, 16, 15, false, true},
		{"a transaction without an output yet", false, true, 16, 0, false, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.figures = func(_ string, x history.Counter) uint64 {
				return map[history.Counter]uint64{history.Held: c.held, history.AppliedUnacked: c.applied}[x]
			}
			v := w.view()
			v.Trigger = 10 * time.Millisecond
			v.Lanes = v.Lanes[1:2]
			v.Lanes[0].Mode.Traits.AcksFirst, v.Lanes[0].Mode.Traits.Transactional = c.first, c.txn
			a := action(t, "kill-consumer", v, 1)
			began := time.Now()
			if err := a.Arm(within(t, time.Minute)); err != nil || (time.Since(began) == 0) != c.armed {
				t.Errorf("%s: armed after %s, %v; want at once: %v", c.claim, time.Since(began), err, c.armed)
			}
			if err := a.Inject(within(t, time.Minute)); err != nil {
				t.Fatal(err)
			}
			if x, err := a.Observe(within(t, time.Minute)); err != nil || x.Bit != c.struck {
				t.Errorf("%s: observed %+v, %v; want bit %v", c.claim, x, err, c.struck)
			}
		})
	}
}

func TestKillingAgainAndAgainAddsUpWhatWasHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.figures = func(h string, c history.Counter) uint64 {
			if len(w.steps) > 30 && c != history.Held { // the last kills meet nothing applied
				return 0
			}
			return holdingFigures(h, c)
		}
		v := w.view()
		v.Trigger = 10 * time.Millisecond
		a := action(t, "kill-consumer:times=10", v, 1)
		ctx := within(t, time.Minute)
		if err := errors.Join(a.Arm(ctx), a.Inject(ctx)); err != nil {
			t.Fatal(err)
		}
		x, err := a.Observe(ctx)
		if err != nil || !x.Bit || x.Count != 10*27 {
			t.Errorf("observed %+v, %v: want that it bit, and %d deliveries", x, err, 10*27)
		}
		if kills, restarts := len(w.did("kill")), len(w.did("restart")); kills != 3*10 || restarts != 9 {
			t.Errorf("%d kills and %d restarts", kills, restarts)
		}
		if !strings.Contains(a.Victims(), "10 times") {
			t.Errorf("victims %q", a.Victims())
		}
	})
}
