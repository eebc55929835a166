// Package targettest is the conformance suite that every target passes: a real cluster in a lab, real clients, and the
// misclassifications that make such harnesses wrong, provoked by cuts and kills.
//
// It knows targets by their interfaces and modes by their traits only. It does not judge promises: that a broker loses
// or duplicates under a fault is what Waybill measures, and no failure here.
package targettest

import (
	"context"
	"fmt"
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

// Run is the suite. It is called inside a lab, and adds hosts n1, n2, ... for brokers and c1 for a client to it.
func Run(t *testing.T, tgt targets.Target, l *lab.Lab) {
	d := tgt.Describe()
	e := &environment{target: tgt, lab: l, description: d}
	t.Run("the description is complete", e.described)
	e.start(t)
	for _, m := range d.Modes {
		t.Run(m.Name, func(t *testing.T) { e.mode(t, m) })
	}
	t.Run("leaders move where they are asked to", e.leadersMove)
	t.Run("what a broker says of its settings can be read", e.reports)
	t.Run("cut off with messages in flight", e.cutOff)
	t.Run("a broker killed with messages in flight", e.brokerKilled)
	t.Run("a node that was killed comes back into sync", e.nodeHeals)
}

func (e *environment) mode(t *testing.T, m semantics.Mode) {
	t.Run("what is sent is delivered, unchanged", func(t *testing.T) { e.delivers(t, m) })
	t.Run("every attempt has one outcome, also after close", func(t *testing.T) { e.oneOutcome(t, m) })
	t.Run("a message without a connection is rejected", func(t *testing.T) { e.nobodyThere(t, m) })
	if m.Traits.Scannable {
		t.Run("making a queue again keeps what it holds", func(t *testing.T) { e.createTwice(t, m) })
	}
	if m.Traits.Scannable && m.Traits.Confirms {
		t.Run("an acknowledged message is found at its position in two replicas", func(t *testing.T) { e.atItsPosition(t, m) })
	}
	if m.Traits.Acks {
		t.Run("acknowledging empties the queue", func(t *testing.T) { e.settles(t, m) })
		t.Run("an unacknowledged delivery goes to another member", func(t *testing.T) { e.redelivers(t, m) })
	}
	if m.Traits.DedupStore {
		t.Run("a retry is answered as a duplicate and stored once", func(t *testing.T) { e.deduplicates(t, m) })
	}
}

// environment is a started cluster with a host for clients.
type environment struct {
	target      targets.Target
	lab         *lab.Lab
	description targets.Description
	cluster     targets.Cluster
	brokers     []string
	client      *lab.Host
	queues      int
	life        history.Life
}

func (e *environment) start(t *testing.T) {
	t.Helper()
	ctx := within(t, 90*time.Second)
	var hosts []*lab.Host
	for i := range nodes {
		h, err := e.lab.AddHost(ctx, fmt.Sprintf("n%d", i+1))
		if err != nil {
			t.Fatal(err)
		}
		hosts = append(hosts, h)
		e.brokers = append(e.brokers, h.Name())
	}
	var err error
	if e.client, err = e.lab.AddHost(ctx, "c1"); err != nil {
		t.Fatal(err)
	}
	dist, err := e.target.Provision(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	e.cluster, err = e.target.Start(ctx, targets.Start{
		Distribution: dist, Profile: e.description.Modes[0].Profile, Hosts: hosts, Log: t.Logf,
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

func (e *environment) described(t *testing.T) {
	d := e.description
	if d.Name == "" || d.Title == "" || d.Version == "" || len(d.Modes) == 0 || len(d.Settings) == 0 {
		t.Errorf("a part of the description is missing: %+v", d)
	}
	if d.Timing.Detection <= 0 || d.Timing.Redelivery <= 0 || d.Timing.Election <= 0 {
		t.Errorf("timing: %+v, want all three", d.Timing)
	}
	for _, m := range d.Modes {
		if m.Summary == "" || m.Profile == "" || len(m.Promises) == 0 {
			t.Errorf("mode %q lacks its summary, profile or promises", m.Name)
		}
		for _, p := range m.Promises {
			if p.Source.Quote == "" || p.Source.URL == "" || p.Source.Version == "" {
				t.Errorf("mode %q: the promise for %v does not say who made it", m.Name, p.Stage)
			}
			if p.Guarantee == semantics.ExactlyOnce && p.Scope == "" {
				t.Errorf("mode %q: exactly once %v, but within what scope?", m.Name, p.Stage)
			}
		}
		if stored := m.Promise(semantics.Stored).Guarantee; stored != semantics.None && !m.Traits.Scannable {
			t.Errorf("mode %q promises stored %v and cannot be scanned", m.Name, stored)
		}
	}
}

func (e *environment) reports(t *testing.T) {
	ctx := within(t, 20*time.Second)
	if r, ok := e.cluster.(targets.ConfigReporter); ok {
		for _, n := range e.brokers {
			if text, err := r.Config(ctx, n); err != nil || text == "" {
				t.Errorf("configuration of %s: %q, %v", n, text, err)
			}
		}
	}
	r, ok := e.cluster.(targets.PolicyReader)
	if !ok {
		return
	}
	for _, m := range e.description.Modes {
		if !m.Traits.Scannable {
			continue
		}
		q := e.queue(t, m)
		ps, err := r.Policies(ctx, q.Name)
		if err != nil || len(ps) == 0 {
			t.Errorf("policies of %s: %v, %v", q.Name, ps, err)
		}
	}
}

// queue makes a new queue of a mode.
func (e *environment) queue(t *testing.T, m semantics.Mode) targets.Queue {
	t.Helper()
	e.queues++
	q := targets.Queue{Name: fmt.Sprintf("%s-%d", m.Name, e.queues), Mode: m.Name}
	if err := e.cluster.CreateQueue(within(t, 30*time.Second), q); err != nil {
		t.Fatal(err)
	}
	return q
}

func (e *environment) config(q targets.Queue, member int) targets.ClientConfig {
	return targets.ClientConfig{
		Name: fmt.Sprintf("conformance-%d", member), Nodes: e.cluster.Nodes(), Queue: q, Member: member, Batch: batch, Confirm: confirm,
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

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

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
