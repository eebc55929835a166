package frames

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Filter does to the frames of one client what its rules say. Its methods may be called from any goroutine.
type Filter struct {
	protocol protocol
	name     string
	hit      func(Hit)
	rules    atomic.Pointer[ruleSet]
	lost     atomic.Int64

	mu    sync.Mutex
	conns map[*conn]struct{}
	made  uint64 // connections so far
}

// New makes a filter without rules. hit is told of each frame to which something is done, from any goroutine, before it is done.
// It must not call the filter or its connections, and what it takes is added to every such frame's way.
func New(protocol string, hit func(Hit)) (*Filter, error) {
	p, ok := protocols[protocol]
	if !ok {
		return nil, fmt.Errorf("frames: no protocol %q: want one of %s", protocol, Protocols())
	}
	if hit == nil {
		hit = func(Hit) {}
	}
	f := &Filter{protocol: p, name: protocol, hit: hit, conns: map[*conn]struct{}{}}
	f.rules.Store(&ruleSet{})
	return f, nil
}

// Set replaces the rules; none lets everything pass. The old ones are lifted: what they delayed or held goes out at once, and
// connections that they silenced for good are cut, so that the client makes new ones. An error changes nothing.
func (f *Filter) Set(rules []Rule) error {
	s := &ruleSet{}
	for _, r := range rules {
		if err := r.Check(f.name); err != nil {
			return err
		}
		a := &armed{Rule: r}
		a.left.Store(int64(r.Count))
		s.rules = append(s.rules, a)
	}
	f.rules.Store(s)
	for _, c := range f.all() {
		c.lift()
	}
	return nil
}

// Lost is how many connections carried bytes that are not understood, in one direction at least, and pass untouched since then.
func (f *Filter) Lost() int { return int(f.lost.Load()) }

// Wrap filters a connection on which nothing has been read or written yet. It is the caller's to close.
func (f *Filter) Wrap(c net.Conn) net.Conn {
	w := &conn{Conn: c, filter: f, session: f.protocol.open()}
	w.out.read, w.in.read = w.session.out, w.session.in
	f.mu.Lock()
	defer f.mu.Unlock()
	f.made++
	w.out.number, w.in.number = f.made, f.made
	f.conns[w] = struct{}{}
	return w
}

func (f *Filter) all() []*conn {
	f.mu.Lock()
	defer f.mu.Unlock()
	var cs []*conn
	for c := range f.conns {
		cs = append(cs, c)
	}
	return cs
}

func (f *Filter) forget(c *conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.conns, c)
}

// ruleSet is what one Set set. Whatever a rule still has at work names its set, and is over when the filter has another.
type ruleSet struct{ rules []*armed }

// armed is a rule at work on all connections of a filter.
type armed struct {
	Rule
	left   atomic.Int64 // of Count, where that is a limit
	muting atomic.Bool  // it chose a first frame to mute
}

// take reports whether the rule may choose one more.
func (a *armed) take() bool {
	if a.Count == 0 {
		return true
	}
	for {
		n := a.left.Load()
		if n <= 0 {
			return false
		}
		if a.left.CompareAndSwap(n, n-1) {
			return true
		}
	}
}

// chooser draws for the frames of one direction of a connection, in the order in which they pass.
type chooser struct {
	number uint64
	set    *ruleSet
	draws  []*rand.Rand
}

// choose is what is done to a frame of a kind; nil is nothing. Every rule draws for every frame of its kind, so that one does not
// change another's choices.
func (c *chooser) choose(set *ruleSet, k Kind) *armed {
	if len(set.rules) == 0 {
		return nil
	}
	if c.set != set {
		c.set, c.draws = set, nil
		for _, r := range set.rules {
			c.draws = append(c.draws, rand.New(rand.NewPCG(r.Seed, c.number)))
		}
	}
	var chosen *armed
	for i, r := range set.rules {
		if r.Kind != k {
			continue
		}
		drawn := c.draws[i].Float64() < r.Share
		switch {
		case chosen != nil:
		case r.muting.Load():
			chosen = r
		case drawn && r.take():
			r.muting.Store(r.Act == Mute)
			chosen = r
		}
	}
	return chosen
}

// entry is what is kept back until due, or until its rules are lifted.
type entry struct {
	due   time.Time
	set   *ruleSet
	bytes []byte
}

// wait is how long an entry is still kept back.
func (f *Filter) wait(e entry) time.Duration {
	if e.set != f.rules.Load() {
		return 0
	}
	return max(0, time.Until(e.due))
}
