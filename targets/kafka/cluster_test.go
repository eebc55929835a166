package kafka

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"waybill/harness/lab"
	"waybill/harness/lab/labtest"
	"waybill/targets"
	"waybill/targets/targettest"
)

// stage is a cluster in a lab.
type stage struct {
	lab *lab.Lab
	*cluster
}

func stageOf(t *testing.T, l *lab.Lab, d targets.Distribution, profile string, extra ...string) stage {
	t.Helper()
	host := func(name string) *lab.Host {
		h, err := l.AddHost(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	s := targets.Start{Distribution: d, Profile: profile, Log: t.Logf}
	for _, name := range []string{"n1", "n2", "n3"} {
		s.Hosts = append(s.Hosts, host(name))
	}
	for _, name := range extra {
		s.Extra = append(s.Extra, host(name))
	}
	c, err := target{}.Start(within(t, time.Minute), s)
	if err != nil {
		for _, h := range append(s.Hosts, s.Extra...) {
			out, _ := os.ReadFile(filepath.Join(h.Dir(), "kafka.stdout"))
			t.Logf("%s: %s", h.Name(), out)
		}
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return stage{l, c.(*cluster)}
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func (s stage) kill(t *testing.T, name string) {
	t.Helper()
	h, _ := s.lab.Host(name)
	if err := h.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (s stage) restart(t *testing.T, name string) {
	t.Helper()
	h, _ := s.lab.Host(name)
	if err := h.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.StartNode(t.Context(), name); err != nil {
		t.Fatal(err)
	}
}

// eventually waits for what takes the cluster some time to notice.
func (s stage) eventually(t *testing.T, what string, holds func(context.Context) error) {
	t.Helper()
	began, ctx := time.Now(), within(t, 40*time.Second)
	for err := holds(ctx); err != nil; err = holds(ctx) {
		if targets.Pause(ctx, pollEvery) != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	t.Logf("%s after %v", what, time.Since(began).Round(10*time.Millisecond))
}

func TestCluster(t *testing.T) {
	d := targettest.Provision(t, target{})
	labtest.RunOver(t, d.Overlay, func(t *testing.T, l *lab.Lab) {
		s := stageOf(t, l, d, profile, controllerHost)
		q := targets.Queue{Name: "some.queue-1", Mode: modes()[0].Name}
		began := time.Now()
		if err := s.CreateQueue(within(t, 20*time.Second), q); err != nil {
			t.Fatal(err)
		}
		t.Logf("queue made in %v", time.Since(began))
		if err := s.InSync(t.Context()); err != nil {
			t.Errorf("a cluster that has just started: %v", err)
		}
		t.Run("leaders go where they are sent, at once, and no replica falls behind", func(t *testing.T) { s.moves(t, q.Name) })
		t.Run("the controller process leads the cluster, and cannot be moved", func(t *testing.T) {
			now, err := s.Leaders(t.Context(), "", targets.OfController)
			if err != nil || len(now) != 1 || now[0].Node != controllerHost {
				t.Errorf("led by %v, %v", now, err)
			}
		})
		t.Run("nothing discards messages, as the brokers report it", func(t *testing.T) { s.policies(t, q.Name) })
		t.Run("the configuration says what differs from the defaults", func(t *testing.T) { s.configuration(t) })
		t.Run("others reach it by its addresses, and start no node of it", func(t *testing.T) { s.connects(t, q) })
		t.Run("a killed broker is noticed at once, and comes back", func(t *testing.T) { s.losesBroker(t, q.Name) })
		t.Run("a killed controller is noticed at once, and comes back", func(t *testing.T) { s.losesController(t) })
	})
}

func (s stage) moves(t *testing.T, queue string) {
	for _, of := range []string{targets.OfQueue, targets.OfConsumer} {
		for _, to := range []string{"n2", "n3", "n1"} {
			began := time.Now()
			if err := s.MoveLeader(within(t, 10*time.Second), queue, of, to); err != nil {
				t.Fatal(err)
			}
			took := time.Since(began)
			t.Logf("%s to %s in %v", of, to, took.Round(time.Millisecond))
			if took > 3*time.Second {
				t.Errorf("%s to %s took %v", of, to, took)
			}
			if err := s.InSync(t.Context()); err != nil {
				t.Errorf("after %s was moved to %s: %v", of, to, err)
			}
			now, err := s.Leaders(t.Context(), queue, of)
			if err != nil || len(now) == 0 {
				t.Fatal(now, err)
			}
			for _, lead := range now {
				if lead.Node != to {
					t.Errorf("%s of partition %d was moved to %s and is led by %s", of, lead.Partition, to, lead.Node)
				}
			}
		}
	}
}

func (s stage) policies(t *testing.T, queue string) {
	got, err := s.Policies(t.Context(), queue)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []targets.Policy{
		{Name: "cleanup.policy", Value: "delete"}, {Name: "retention.ms", Value: "-1"}, {Name: "retention.bytes", Value: "-1"},
		{Name: "min.insync.replicas", Value: "2"}, {Name: "unclean.leader.election.enable", Value: "false"},
	} {
		if !slices.Contains(got, want) {
			t.Errorf("no %v in %v", want, got)
		}
	}
	if got, err := s.Policies(t.Context(), "absent"); err == nil {
		t.Errorf("a topic that is not there has %v", got)
	}
}

func (s stage) configuration(t *testing.T) {
	text, err := s.Config(t.Context(), "n2")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\nmetadata.version=", fmt.Sprintf("\nreplica.lag.time.max.ms=%d (default 30000)\n", replicaLag.Milliseconds()), "\nnode.id=2", "\nmin.insync.replicas=2 (default 1)\n", "-Xmx512m"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	differs, _, _ := strings.Cut(text, "# all settings")
	t.Log(differs)
	if _, err := s.Config(t.Context(), controllerHost); err != nil {
		t.Error(err)
	}
}

func (s stage) connects(t *testing.T, q targets.Queue) {
	c, err := target{}.Connect(within(t, 10*time.Second), targets.Access{Brokers: []string{s.Nodes()[1].Addr}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.CreateQueue(within(t, 10*time.Second), q); err != nil {
		t.Error(err)
	}
	of := c.(targets.LeaderFinder)
	now, err := of.Leaders(t.Context(), q.Name, targets.OfQueue)
	if err != nil || len(now) != partitions || now[0].Node != "1" { // where moves left it
		t.Errorf("led by %v, %v", now, err)
	}
	if _, err := of.Leaders(t.Context(), "", targets.OfController); err != nil {
		t.Error(err)
	}
	other := targets.Queue{Name: "of-others", Mode: q.Mode}
	if err := c.CreateQueue(within(t, 10*time.Second), other); err != nil {
		t.Error(err)
	}
	if err := c.(targets.QueueDeleter).DeleteQueue(within(t, 10*time.Second), other); err != nil {
		t.Error(err)
	}
}

func (s stage) losesBroker(t *testing.T, queue string) {
	s.kill(t, "n1")
	began := time.Now()
	err := s.Healthy(t.Context())
	if took := time.Since(began); err == nil || !strings.Contains(err.Error(), "n1") || took > ask+time.Second {
		t.Errorf("after %v: %v", took, err)
	}
	s.eventually(t, "others lead", func(ctx context.Context) error {
		_, err := s.Leaders(ctx, queue, targets.OfQueue)
		return err
	})
	s.restart(t, "n1")
	s.eventually(t, "healthy", s.Healthy)
	s.eventually(t, "in sync", s.InSync)
}

func (s stage) losesController(t *testing.T) {
	s.kill(t, controllerHost)
	if err := s.Healthy(t.Context()); err == nil {
		t.Error("healthy without a controller")
	}
	s.restart(t, controllerHost)
	s.eventually(t, "in sync", s.InSync)
}

func TestCombined(t *testing.T) {
	d := targettest.Provision(t, target{})
	labtest.RunOver(t, d.Overlay, func(t *testing.T, l *lab.Lab) {
		s := stageOf(t, l, d, combined)
		before, err := s.Leaders(t.Context(), "", targets.OfController)
		if err != nil {
			t.Fatal(err)
		}
		s.kill(t, before[0].Node)
		s.eventually(t, "another controller", func(ctx context.Context) error {
			after, err := s.Leaders(ctx, "", targets.OfController)
			if err == nil && (after[0].Node == before[0].Node || after[0].Epoch <= before[0].Epoch) {
				t.Errorf("%v was killed, and %v leads", before, after)
			}
			return err
		})
		s.restart(t, before[0].Node)
		s.eventually(t, "in sync", s.InSync)
	})
}
