package nats

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"waybill/harness/history"
	"waybill/targets"
)

func localCluster(t testing.TB) *cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	began := time.Now()
	c, err := start(ctx, profile, localMachines(t), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	t.Logf("formed after %v", time.Since(began).Round(time.Millisecond))
	return c
}

// keeper counts what a scan finds.
type keeper struct {
	replicas []string
	copies   int
	ended    []error
}

func (k *keeper) Begin(r string, _ []targets.Range) { k.replicas = append(k.replicas, r) }
func (k *keeper) Copy(targets.Copy)                 { k.copies++ }
func (k *keeper) End(_ string, _ int64, err error)  { k.ended = append(k.ended, err) }

func TestLocalCluster(t *testing.T) {
	c := localCluster(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	q := targets.Queue{Name: "some queue.1", Mode: "jetstream-dedup"}
	if err := c.CreateQueue(ctx, q); err != nil {
		t.Fatal(err)
	}

	t.Run("nothing discards messages, as the broker reports it", func(t *testing.T) {
		got, err := c.Policies(ctx, q.Name)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{
			"retention": "Limits", "storage": "File", "replicas": "3", "discard": "DiscardNew", "max messages": "-1", "max bytes": "-1",
			"max age": "0s", "max messages per subject": "-1", "max message size": "-1", "duplicate window": "1m0s", "allow direct": "false",
			"ack policy": "explicit", "ack wait": "2s", "max deliver": "-1", "max ack pending": "16384", "inactive threshold": "0s",
		}
		have := map[string]string{}
		for _, p := range got {
			have[p.Name] = p.Value
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("a queue made again with other settings is refused", func(t *testing.T) {
		var refusedAs struct{}
		other := streamConfig(namesOf(q.Name), duplicateWindow)
		other.Storage = server.MemoryStorage
		if err := c.api(ctx, "$JS.API.STREAM.CREATE."+other.Name, other, &refusedAs); !refused(err) {
			t.Errorf("%v, want a refusal", err)
		}
	})
	t.Run("the configuration says what differs from the defaults", func(t *testing.T) {
		text, err := c.Config(ctx, "n2")
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"\nping_interval: 5s, default 2m0s\n", "jetstream.max_file_store: 17179869184", `"name": "n2"`, "sync_interval"} {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in\n%s", want, text)
			}
		}
	})
	t.Run("a scan that cannot meet enough replicas says so after what it could read", func(t *testing.T) {
		i := localInspector(t, c, q)
		var k keeper
		err := i.Scan(ctx, replicas+1, &k)
		if err == nil || !strings.Contains(err.Error(), "3 of the replicas met (n1, n2, n3) complete, want 4") {
			t.Errorf("%v", err)
		}
		if len(k.replicas) != replicas {
			t.Errorf("read %v", k.replicas)
		}
	})
	t.Run("a queue that is not there is an error, never empty", func(t *testing.T) {
		i := localInspector(t, c, targets.Queue{Name: "absent", Mode: q.Mode})
		if d, err := i.Depth(ctx); err == nil {
			t.Errorf("depth %+v", d)
		}
		if err := i.Scan(ctx, 1, &keeper{}); err == nil {
			t.Error("scanned")
		}
	})
}

func localInspector(t testing.TB, c *cluster, q targets.Queue) targets.Inspector {
	t.Helper()
	cl, err := newClient(localConfig(c, q))
	if err != nil {
		t.Fatal(err)
	}
	i, err := cl.Inspector(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { i.Close() })
	if err := i.(*inspector).until(t.Context(), "connected", i.(*inspector).nc.IsConnected); err != nil {
		t.Fatal(err)
	}
	return i
}

func localConfig(c *cluster, q targets.Queue) targets.ClientConfig {
	return targets.ClientConfig{Name: "test", Nodes: c.Nodes(), Queue: q, Batch: 256, Confirm: 10 * time.Second}
}

// BenchmarkPublish is one producer on one node of three, with at most 1024 messages unanswered.
func BenchmarkPublish(b *testing.B) {
	c := localCluster(b)
	for _, m := range modes() {
		b.Run(m.Name, func(b *testing.B) {
			q := targets.Queue{Name: fmt.Sprintf("%s-%d", m.Name, b.N), Mode: m.Name}
			if err := c.CreateQueue(b.Context(), q); err != nil {
				b.Fatal(err)
			}
			b.ResetTimer()
			publish(b, c, q, b.N)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msgs/s")
		})
	}
}

func publish(b *testing.B, c *cluster, q targets.Queue, n int) {
	b.Helper()
	cl, err := newClient(localConfig(c, q))
	if err != nil {
		b.Fatal(err)
	}
	p, err := cl.Producer(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	if err := p.(targets.Pinner).Pin(b.Context(), "n1"); err != nil {
		b.Fatal(err)
	}
	window := make(chan struct{}, 1024)
	for i := range n {
		window <- struct{}{}
		p.Send(b.Context(), msg(i+1, 1), func(o targets.Outcome) {
			if o.Status == history.Rejected || q.Mode != "core" && o.Status != history.Acked {
				b.Errorf("%+v", o)
			}
			<-window
		})
	}
	if err := p.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkScan reads a stream of 100,000 messages once from each of two replicas.
func BenchmarkScan(b *testing.B) {
	const held = 100_000
	c := localCluster(b)
	q := targets.Queue{Name: "scanned", Mode: "jetstream"}
	if err := c.CreateQueue(b.Context(), q); err != nil {
		b.Fatal(err)
	}
	publish(b, c, q, held)
	i := localInspector(b, c, q)
	for b.Loop() {
		var k keeper
		if err := i.Scan(b.Context(), 2, &k); err != nil || k.copies != 2*held {
			b.Fatalf("%d copies, %v", k.copies, err)
		}
	}
	b.ReportMetric(2*held*float64(b.N)/b.Elapsed().Seconds(), "msgs/s")
}
