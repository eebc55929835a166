package rabbitmq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"waybill/harness/lab"
	"waybill/harness/lab/labtest"
	"waybill/targets"
)

func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }

// provisioned is the distribution, in the cache that the command uses.
func provisioned(t *testing.T) targets.Distribution {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	d, err := target{}.Provision(t.Context(), targets.Provisioning{Cache: filepath.Join(cache, "waybill", "rabbitmq"), Log: t.Logf})
	if errors.Is(err, targets.ErrMissing) {
		labtest.Need(t, err.Error(), false)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// cluster starts three nodes in l, and reports how long they take to form one.
func clusterIn(t *testing.T, l *lab.Lab, dist targets.Distribution, profile string) *cluster {
	t.Helper()
	s := targets.Start{Distribution: dist, Profile: profile, Log: t.Logf}
	ctx := within(t, 90*time.Second)
	for i := range replicas {
		h, err := l.AddHost(ctx, fmt.Sprintf("n%d", i+1))
		must(t, err)
		s.Hosts = append(s.Hosts, h)
	}
	begin := time.Now()
	c, err := start(ctx, s)
	if err != nil {
		for _, h := range s.Hosts {
			if out, err := os.ReadFile(filepath.Join(h.Dir(), "rabbitmq.stdout")); err == nil {
				t.Logf("%s: %s", h.Name(), out)
			}
		}
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, c.Close()) })
	t.Logf("formed in %v", time.Since(begin))
	return c
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ledQueues are those whose leader can move.
func ledQueues(c *cluster) []targets.Queue {
	qs := queuesOf(c)
	return qs[:len(qs)-1]
}

func leaderOf(t *testing.T, c *cluster, queue string) targets.Leadership {
	t.Helper()
	ls, err := c.Leaders(within(t, 10*time.Second), queue, targets.OfQueue)
	must(t, err)
	return ls[0]
}

// publish puts confirmed, persistent messages into a queue by way of node i.
func publish(t *testing.T, c *cluster, i int, queue string, count int) {
	t.Helper()
	ctx := within(t, 20*time.Second)
	must(t, channel(ctx, c.nodes[i].Addr, ourAccess(), func(ch *amqp.Channel) error {
		if err := ch.Confirm(false); err != nil {
			return err
		}
		for range count {
			d, err := ch.PublishWithDeferredConfirmWithContext(ctx, "", namesOf(queue).key, false, false, amqp.Publishing{DeliveryMode: amqp.Persistent, Body: []byte("x")})
			if err != nil {
				return err
			}
			if ok, err := d.WaitContext(ctx); err != nil || !ok {
				return fmt.Errorf("not confirmed: %w", err)
			}
		}
		return nil
	}))
}

// queuesOf are one of every kind that the version has, that without a leader last.
func queuesOf(c *cluster) []targets.Queue {
	qs := []targets.Queue{{Name: "q", Mode: "quorum"}, {Name: "m", Mode: "mirrored"}, {Name: "c", Mode: "classic-confirms"}}
	if !c.release.hasMirrors() {
		qs = slices.Delete(qs, 1, 2)
	}
	return qs
}

func TestACluster(t *testing.T) {
	dist := provisioned(t)
	labtest.RunOver(t, dist.Overlay, func(t *testing.T, l *lab.Lab) {
		c := clusterIn(t, l, dist, pauseMinority)
		queues := queuesOf(c)
		for _, q := range append(queues, queues...) { // twice: the second time changes nothing
			begin := time.Now()
			must(t, c.CreateQueue(within(t, 30*time.Second), q))
			t.Logf("%s %s in %v", q.Mode, q.Name, time.Since(begin))
			publish(t, c, 1, q.Name, 5)
		}
		t.Run("says how much a queue holds", func(t *testing.T) { saysDepth(t, c) })
		t.Run("says what limits a queue, and how it is set", func(t *testing.T) { saysSettings(t, c) })
		t.Run("moves leaders", func(t *testing.T) { movesLeaders(t, c) })
		t.Run("takes a killed node back into sync", func(t *testing.T) { takesBack(t, l, c) })
		t.Run("heals from a partition by itself", func(t *testing.T) { healsItself(t, l, c) })
		t.Run("replaces a node that is stuck", func(t *testing.T) { replacesStuck(t, c) })
		t.Run("comes back after all were killed", func(t *testing.T) { comesBack(t, l, c) })
		t.Run("serves those who did not start it", func(t *testing.T) { servesOthers(t, c) })
		t.Run("forgets a deleted queue", func(t *testing.T) { forgets(t, c) })
	})
}

func saysDepth(t *testing.T, c *cluster) {
	for _, q := range queuesOf(c) {
		begin := time.Now()
		d, err := c.asker.depth(within(t, 10*time.Second), c.Nodes(), q.Name)
		must(t, err)
		t.Logf("%s asked in %v", q.Mode, time.Since(begin))
		if d.Ready != 10 || d.Unacked != 0 || !d.Agreed {
			t.Errorf("%s: %+v, want 10 ready, which all nodes say", q.Mode, d)
		}
		must(t, channel(within(t, 20*time.Second), c.nodes[2].Addr, ourAccess(), func(ch *amqp.Channel) error {
			if _, ok, err := ch.Get(namesOf(q.Name).queue, false); err != nil || !ok {
				return fmt.Errorf("get: %v, %w", ok, err)
			}
			d, err := c.asker.depth(within(t, 10*time.Second), c.Nodes(), q.Name)
			if err == nil && (d.Ready != 9 || d.Unacked != 1 || !d.Agreed) {
				t.Errorf("%s, one delivered: %+v, want 9 ready, 1 unacknowledged", q.Mode, d)
			}
			return err
		}))
	}
	if _, err := c.asker.depth(within(t, 10*time.Second), c.Nodes(), "nothing"); !errors.Is(err, errNotFound) {
		t.Errorf("a queue that is not there: %v, want %v", err, errNotFound)
	}
}

func saysSettings(t *testing.T, c *cluster) {
	for _, q := range queuesOf(c) {
		ps, err := c.Policies(within(t, 10*time.Second), q.Name)
		must(t, err)
		t.Logf("%s: %v", q.Mode, ps)
		found := map[string]string{}
		for _, p := range ps {
			found[p.Name] = p.Value
		}
		for _, d := range discards {
			if want := map[bool]string{true: "-1"}[d == "delivery-limit" && c.release.limitsDeliveries() && q.Mode == "quorum"]; found[d] != cmp.Or(want, "none") {
				t.Errorf("%s: %s is %q, want none", q.Mode, d, found[d])
			}
		}
		if q.Mode == "mirrored" && (found["ha-mode"] != "all" || found["ha-promote-on-failure"] != "when-synced") {
			t.Errorf("mirrored: %v", ps)
		}
	}
	text, err := c.Config(within(t, 20*time.Second), "n2")
	must(t, err)
	differs := text[strings.Index(text, "# differs"):strings.Index(text, "# advanced.config")]
	t.Log(differs)
	for _, want := range []string{"kernel.net_ticktime: 5, default 60", "rabbit.cluster_partition_handling: pause_minority, default ignore",
		"rabbit.quorum_tick_interval: 1000, default 5000", "aten.poll_interval: 2000, default 5000"} {
		if !strings.Contains(differs, want) {
			t.Errorf("the node does not report %q", want)
		}
	}
	if !strings.Contains(text, "net_ticktime: 5\n") {
		t.Error("the tick that is in force is not 5 s")
	}
}

func movesLeaders(t *testing.T, c *cluster) {
	for _, q := range ledQueues(c) {
		before := leaderOf(t, c, q.Name)
		begin := time.Now()
		must(t, c.MoveLeader(within(t, 40*time.Second), q.Name, targets.OfQueue, "n3"))
		after := leaderOf(t, c, q.Name)
		t.Logf("%s: from %v to %v in %v", q.Mode, before, after, time.Since(begin))
		if after.Node != "n3" || after.Epoch <= before.Epoch {
			t.Errorf("%s: from %v to %v, want n3 and a later epoch", q.Mode, before, after)
		}
	}
	if err := c.MoveLeader(within(t, time.Second), "c", targets.OfQueue, "n2"); err == nil {
		t.Error("an unmirrored queue was moved")
	}
	must(t, c.await(within(t, 30*time.Second), c.InSync))
}

func takesBack(t *testing.T, l *lab.Lab, c *cluster) {
	h, _ := l.Host("n3")
	before := leaderOf(t, c, "q")
	must(t, h.Kill(t.Context()))
	begin := time.Now()
	var after targets.Leadership
	must(t, eventually(within(t, 30*time.Second), func(ctx context.Context) error {
		for _, q := range ledQueues(c) {
			ls, err := c.Leaders(ctx, q.Name, targets.OfQueue)
			if err != nil {
				return err
			}
			if after = ls[0]; after.Node == "n3" {
				return errors.New("the dead node leads")
			}
		}
		return nil
	}))
	t.Logf("led by another after %v: %v, then %v", time.Since(begin), before, after)
	if err := c.Healthy(within(t, 10*time.Second)); err == nil {
		t.Error("healthy with a dead node")
	}
	publish(t, c, 0, "q", 20)
	must(t, h.Restart(t.Context()))
	must(t, c.StartNode(t.Context(), "n3"))
	begin = time.Now()
	must(t, c.await(within(t, 60*time.Second), c.InSync))
	t.Logf("in sync %v after the start", time.Since(begin))
	d, err := c.asker.depth(within(t, 10*time.Second), c.Nodes(), "q")
	must(t, err)
	if d.Ready != 30 {
		t.Errorf("%+v, want 30 ready", d)
	}
}

func eventually(ctx context.Context, f func(context.Context) error) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := f(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

// cut cuts n1 off from the other brokers until the partition has been noticed.
func cut(t *testing.T, l *lab.Lab, noticed func(context.Context) error) {
	t.Helper()
	one, others := []string{"n1"}, []string{"n2", "n3"}
	healTo, err := l.Cut(one, others)
	must(t, err)
	healFrom, err := l.Cut(others, one)
	must(t, err)
	begin := time.Now()
	must(t, eventually(within(t, 30*time.Second), noticed))
	t.Logf("noticed after %v", time.Since(begin))
	must(t, healTo())
	must(t, healFrom())
}

// tellHealths logs what the nodes say of themselves whenever that changes, until the function that it returns is called.
func tellHealths(t *testing.T, c *cluster) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var telling sync.WaitGroup
	telling.Go(func() {
		begin, last := time.Now(), ""
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			said := make([]string, len(c.nodes))
			_ = c.each(func(i int, n *node) error {
				var h nodeHealth
				err := c.ask(ctx, n, &h, "health")
				said[i] = fmt.Sprintf("%s: %+v", n.Name, h)
				if err != nil {
					said[i] = err.Error()
				}
				return nil
			})
			if now := strings.Join(said, "; "); now != last && ctx.Err() == nil {
				last = now
				t.Logf("after %v: %s", time.Since(begin).Round(100*time.Millisecond), now)
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	})
	return func() {
		cancel()
		telling.Wait()
	}
}

func healsItself(t *testing.T, l *lab.Lab, c *cluster) {
	cut(t, l, func(ctx context.Context) error {
		var h nodeHealth
		if err := c.ask(ctx, c.nodes[0], &h, "health"); err != nil {
			return err
		}
		if h.Serving {
			return errors.New("the minority still serves")
		}
		return nil
	})
	begin := time.Now()
	told := tellHealths(t, c)
	err := c.Mend(within(t, 150*time.Second))
	told()
	must(t, err)
	t.Logf("mended %v after the heal", time.Since(begin))
	must(t, c.await(within(t, 60*time.Second), c.InSync))
	t.Logf("in sync %v after the heal", time.Since(begin))
}

func replacesStuck(t *testing.T, c *cluster) {
	n := c.nodes[2]
	stopped := n.process
	must(t, stopped.Signal(t.Context(), syscall.SIGSTOP))
	begin := time.Now()
	must(t, c.replace(within(t, 20*time.Second), make(absences, replicas), []int{2}))
	select {
	case <-stopped.Done():
	default:
		t.Error("the broker that hung is still there")
	}
	must(t, c.await(within(t, 60*time.Second), c.InSync))
	t.Logf("in sync after %v", time.Since(begin))
}

func comesBack(t *testing.T, l *lab.Lab, c *cluster) {
	for _, n := range c.nodes {
		must(t, n.host.Kill(t.Context()))
	}
	begin := time.Now()
	must(t, c.each(func(_ int, n *node) error {
		if err := n.host.Restart(t.Context()); err != nil {
			return err
		}
		return c.StartNode(t.Context(), n.Name)
	}))
	must(t, c.await(within(t, 90*time.Second), c.InSync))
	t.Logf("in sync %v after the start", time.Since(begin))
	for _, q := range queuesOf(c) {
		d, err := c.asker.depth(within(t, 10*time.Second), c.Nodes(), q.Name)
		must(t, err)
		if want := map[string]int64{"c": 10, "m": 10, "q": 30}[q.Name]; d.Ready != want || d.Unacked != 0 {
			t.Errorf("queue %s: %+v, want %d ready", q.Name, d, want)
		}
	}
}

func servesOthers(t *testing.T, c *cluster) {
	a := targets.Access{User: brokerUser, Password: brokerPassword}
	for _, n := range c.Nodes() {
		a.Brokers = append(a.Brokers, n.Addr)
	}
	e, err := target{}.Connect(within(t, 20*time.Second), a)
	must(t, err)
	q := targets.Queue{Name: "theirs", Mode: "quorum"}
	for range 2 {
		must(t, e.CreateQueue(within(t, 20*time.Second), q))
	}
	must(t, e.Healthy(within(t, 20*time.Second)))
	if err := e.CreateQueue(within(t, 20*time.Second), targets.Queue{Name: "x", Mode: "mirrored"}); !errors.Is(err, targets.ErrExternal) {
		t.Errorf("a mirrored queue: %v, want %v", err, targets.ErrExternal)
	}
	text, err := e.(targets.ConfigReporter).Config(within(t, 10*time.Second), "n2")
	must(t, err)
	if !strings.Contains(text, "version: "+c.dist.Version) || !strings.Contains(text, "cluster_name: waybill") {
		t.Errorf("configuration: %s", text)
	}
	version, facts, err := e.(targets.VersionReporter).Versions(within(t, 20*time.Second))
	must(t, err)
	if version != c.dist.Version || len(facts) != 3 || !strings.Contains(facts["rabbitmq at "+a.Brokers[2]], "Erlang/OTP") {
		t.Errorf("version %q, facts %v: want what each broker says of itself and of its Erlang", version, facts)
	}
	must(t, e.(targets.QueueDeleter).DeleteQueue(within(t, 10*time.Second), q))
	if _, err := c.asker.depth(within(t, 10*time.Second), c.Nodes(), q.Name); !errors.Is(err, errNotFound) {
		t.Errorf("after it was deleted: %v, want %v", err, errNotFound)
	}
	must(t, e.Close())
	a.Password = "wrong"
	if _, err := (target{}).Connect(within(t, 20*time.Second), a); err == nil || strings.Contains(err.Error(), "wrong") {
		t.Errorf("with a wrong password: %v, want an error that does not repeat it", err)
	}
}

func forgets(t *testing.T, c *cluster) {
	for _, q := range queuesOf(c) {
		must(t, c.DeleteQueue(within(t, 20*time.Second), q))
		if _, err := c.asker.depth(within(t, 10*time.Second), c.Nodes(), q.Name); !errors.Is(err, errNotFound) {
			t.Errorf("%s: %v, want %v", q.Mode, err, errNotFound)
		}
	}
	must(t, c.Healthy(within(t, 10*time.Second)))
}

// noticedBy are nodes that say they were cut off from others.
func noticedBy(ctx context.Context, c *cluster) (apart []string, err error) {
	for _, n := range c.nodes {
		var h nodeHealth
		if err := c.ask(ctx, n, &h, "health"); err != nil {
			return nil, err
		}
		if len(h.Partitions) > 0 {
			apart = append(apart, n.Name)
		}
	}
	return apart, nil
}

func TestAClusterThatIgnoresPartitionsIsMended(t *testing.T) {
	dist := provisioned(t)
	labtest.RunOver(t, dist.Overlay, func(t *testing.T, l *lab.Lab) {
		c := clusterIn(t, l, dist, ignore)
		for _, q := range queuesOf(c) {
			must(t, c.CreateQueue(within(t, 30*time.Second), q))
			publish(t, c, 0, q.Name, 5)
		}
		cut(t, l, func(ctx context.Context) error {
			var one, other nodeHealth
			if err := errors.Join(c.ask(ctx, c.nodes[0], &one, "health"), c.ask(ctx, c.nodes[1], &other, "health")); err != nil {
				return err
			}
			if !one.Serving || !other.Serving {
				t.Error("a node does not serve, although it is told to ignore partitions")
			}
			if len(one.Running) != 1 || len(other.Running) != 2 {
				return fmt.Errorf("one side sees %v, the other %v", one.Running, other.Running)
			}
			return nil
		})
		must(t, eventually(within(t, 30*time.Second), func(ctx context.Context) error {
			if apart, err := noticedBy(ctx, c); err != nil || len(apart) == 0 {
				return fmt.Errorf("apart: %v: %w", apart, err)
			}
			return nil
		}))
		if c.Healthy(within(t, 20*time.Second)) == nil {
			t.Error("healthy although the nodes were cut off from each other")
		}
		begin := time.Now()
		must(t, c.Mend(within(t, 90*time.Second)))
		t.Logf("mended in %v", time.Since(begin))
		must(t, c.await(within(t, 60*time.Second), c.InSync))
		t.Logf("in sync after %v", time.Since(begin))
		must(t, c.Mend(within(t, 10*time.Second))) // nothing to do
		for _, q := range queuesOf(c) {
			d, err := c.asker.depth(within(t, 10*time.Second), c.Nodes(), q.Name)
			must(t, err)
			if !d.Agreed || d.Ready != 5 {
				t.Errorf("%s: %+v, want 5 ready, which all nodes say", q.Mode, d)
			}
		}
	})
}
