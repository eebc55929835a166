// Package targettest is the conformance suite that every target passes: a real cluster in a lab, real clients, and the
// misclassifications that make such harnesses wrong, provoked by cuts and kills.
//
// It knows targets by their interfaces and modes by their traits and promises only. It does not judge promises: that a broker loses
// or duplicates outside of them is what Waybill measures, and no failure here.
package targettest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"waybill/harness/history"
	"waybill/harness/lab"
	"waybill/harness/semantics"
	"waybill/targets"
)

const (
	nodes   = 3
	run     = "conform1" // of tokens
	confirm = 2 * time.Second
	batch   = 32
)

// Run is the suite, on what Provision returned: the modes of the first profile. It is called inside a lab, and adds hosts to it:
// n1, n2, ... for brokers, those that the profile wants besides, c1 for senders, and r1, r2, ... for consumers to be killed.
func Run(t *testing.T, tgt targets.Target, dist targets.Distribution, l *lab.Lab) {
	e := environmentOf(tgt, dist, l)
	t.Run("the description is complete", e.described)
	e.firstProfile()
	e.start(t)
	t.Run("modes", func(t *testing.T) { e.together(t, e.mode) })
	t.Run("clients leave nothing behind", e.leavesNothing)
	t.Run("leaders move where they are asked to", e.leadersMove)
	t.Run("what a broker says of its settings can be read", e.reports)
	t.Run("cut off with messages in flight", e.cutOff)
	t.Run("a broker killed with messages in flight, and back in sync", e.brokerKilled)
	t.Run("all brokers killed at once keep what they acknowledged", e.allKilled)
	t.Run("a queue that vanished stays vanished", e.vanished)
}

// mode is what can be asked of a mode by itself.
func (e *environment) mode(t *testing.T, m semantics.Mode) {
	t.Run("what is sent is delivered, unchanged", func(t *testing.T) { e.delivers(t, m) })
	t.Run("every attempt has one outcome, also after close", func(t *testing.T) { e.oneOutcome(t, m) })
	t.Run("a message without a connection is not acknowledged", func(t *testing.T) { e.nobodyThere(t, m) })
	if m.Traits.Scannable && m.Traits.Confirms {
		t.Run("an acknowledged message is found at its position in two replicas", func(t *testing.T) { e.atItsPosition(t, m) })
	}
	if m.Traits.CanDrain() && promised(m) {
		t.Run("making a queue again keeps what it holds", func(t *testing.T) { e.createTwice(t, m) })
		t.Run("a drain proves its end, and is not proven earlier", func(t *testing.T) { e.drains(t, m) })
	}
	if m.Traits.Acks || m.Traits.Transactional {
		t.Run("what a killed consumer held goes to another", func(t *testing.T) { e.takesOver(t, m) })
	}
	if m.Traits.Confirms && promised(m) {
		t.Run("messages of a key stay in order", func(t *testing.T) { e.ordered(t, m) })
	}
	if m.Traits.DedupStore && !m.Traits.Session {
		t.Run("a retry is answered as a duplicate and stored once", func(t *testing.T) { e.deduplicates(t, m) })
	}
	if m.Traits.Transactional {
		t.Run("a committed output is seen once, an aborted one never", func(t *testing.T) { e.commitsAndAborts(t, m) })
		t.Run("a processor killed before the end has done nothing", func(t *testing.T) { e.processorKilled(t, m) })
		t.Run("two lives with one transactional id tell the truth", func(t *testing.T) { e.fences(t, m) })
	}
}

// promised reports whether a mode promises anything at all: else an acknowledged message may be gone, and no more can be asked.
func promised(m semantics.Mode) bool {
	return slices.ContainsFunc(m.Promises, func(p semantics.Promise) bool { return p.Guarantee != semantics.None })
}

// keeps reports whether a mode promises to deliver what it acknowledged under a fault.
func keeps(m semantics.Mode, fault string) bool {
	return m.Traits.Confirms && slices.ContainsFunc(m.Promises, func(p semantics.Promise) bool { return p.Guarantee.ForbidsLoss() && p.Covers(fault) })
}

// environment is a started cluster with a host for clients.
type environment struct {
	target       targets.Target
	lab          *lab.Lab
	description  targets.Description // of the modes of its first profile
	distribution targets.Distribution
	cluster      targets.Cluster
	brokers      []string
	client       *lab.Host

	mu        sync.Mutex // modes are tried side by side
	queues    int
	receivers int
	lives     history.Life
	wraps     map[wrapped]*watched
}

// environmentOf is one in which nothing runs yet.
func environmentOf(tgt targets.Target, dist targets.Distribution, l *lab.Lab) *environment {
	return &environment{target: tgt, lab: l, description: tgt.Describe(dist.Version), distribution: dist, wraps: map[wrapped]*watched{}}
}

// firstProfile leaves only its modes.
func (e *environment) firstProfile() {
	first := e.description.Profiles[0].Name
	e.description.Modes = slices.DeleteFunc(slices.Clone(e.description.Modes), func(m semantics.Mode) bool { return m.Profile != first })
}

func (e *environment) start(t *testing.T) {
	t.Helper()
	ctx := within(t, 2*time.Minute)
	add := func(name string) *lab.Host {
		h, err := e.lab.AddHost(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	var hosts, extra []*lab.Host
	for i := range nodes {
		h := add(fmt.Sprintf("n%d", i+1))
		hosts = append(hosts, h)
		e.brokers = append(e.brokers, h.Name())
	}
	profile := e.description.Profiles[0]
	for _, name := range profile.Extra {
		extra = append(extra, add(name))
	}
	e.client = add("c1")
	began := time.Now()
	var err error
	e.cluster, err = e.target.Start(ctx, targets.Start{
		Distribution: e.distribution, Profile: profile.Name, Hosts: hosts, Extra: extra, Log: t.Logf,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Logf("a cluster of %d was ready after %v", nodes, time.Since(began).Round(time.Millisecond))
}

// together runs f for all modes at once, each as a test of its own: most of the time they wait.
func (e *environment) together(t *testing.T, f func(*testing.T, semantics.Mode)) {
	t.Helper()
	var all sync.WaitGroup
	for _, m := range e.description.Modes {
		all.Go(func() { t.Run(m.Name, func(t *testing.T) { f(t, m) }) })
	}
	all.Wait()
}

// queue makes a new queue of a mode.
func (e *environment) queue(t *testing.T, m semantics.Mode) targets.Queue {
	t.Helper()
	e.mu.Lock()
	e.queues++
	q := targets.Queue{Name: fmt.Sprintf("%s-%d", m.Name, e.queues), Mode: m.Name}
	e.mu.Unlock()
	if err := e.cluster.CreateQueue(within(t, 60*time.Second), q); err != nil {
		t.Fatal(err)
	}
	return q
}

// life numbers who sends, for tokens that nobody else sends.
func (e *environment) life() history.Life {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lives++
	return e.lives
}

func (e *environment) config(q targets.Queue, member int) targets.ClientConfig {
	return targets.ClientConfig{
		Name: fmt.Sprintf("conformance-%d", member), Nodes: e.cluster.Nodes(), Queue: q, Member: member, Batch: batch, Confirm: confirm,
		Wrap: e.wrapping(q.Name, member).around,
	}
}

func (e *environment) dial(t *testing.T, c targets.ClientConfig) targets.Client {
	t.Helper()
	cl, err := e.target.Client(c)
	if err != nil {
		t.Fatal(err)
	}
	return cl
}

func (e *environment) host(t *testing.T, name string) *lab.Host {
	t.Helper()
	h, ok := e.lab.Host(name)
	if !ok {
		t.Fatalf("no host %q", name)
	}
	return h
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// wait lets a fault last.
func wait(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

// eventually repeats f until it returns nil; when ctx ends first, t fails with the last error that this end did not cause.
func eventually(t *testing.T, ctx context.Context, what string, f func() error) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		err := f()
		if err == nil {
			return
		}
		if last == nil || ctx.Err() == nil {
			last = err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waiting until %s: %v: %v", what, ctx.Err(), last)
		}
	}
}

// errNot says what was seen instead of what was waited for.
type errNot struct {
	seen any
	err  error
}

func (e errNot) Error() string { return fmt.Sprintf("seen %+v, %v", e.seen, e.err) }

// noLeaks fails t if goroutines that begin from now on outlive it. Call it when the cluster, which keeps its own, is not
// asked for anything new.
func noLeaks(t *testing.T) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		if err := goleak.Find(before); err != nil {
			t.Error(err)
		}
	})
}
