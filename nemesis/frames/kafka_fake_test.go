package frames

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// runKafka starts a fake of a broker in this process, and a client of it whose frames f sees.
func runKafka(t *testing.T, f *Filter, opts ...kgo.Opt) (cl *kgo.Client, plain func(...kgo.Opt) *kgo.Client) {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	plain = func(opts ...kgo.Opt) *kgo.Client {
		cl, err := kgo.NewClient(append(opts, kgo.SeedBrokers(c.ListenAddrs()...))...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cl.Close)
		return cl
	}
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return f.Wrap(c), nil
	}
	return plain(append(opts, kgo.Dialer(dial), kgo.DefaultProduceTopic("t"), kgo.RetryBackoffFn(func(int) time.Duration { return 10 * time.Millisecond }))...), plain
}

func produce(t *testing.T, cl *kgo.Client) (took time.Duration, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	began := time.Now()
	err = cl.ProduceSync(ctx, kgo.StringRecord("x")).FirstErr()
	return time.Since(began), err
}

// topicHolds is how many records the topic holds.
func topicHolds(t *testing.T, cl *kgo.Client) (n int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	cl.AddConsumeTopics("t")
	for ctx.Err() == nil {
		if quiet(cl, &n) && n > 0 {
			return n
		}
	}
	t.Fatal(ctx.Err())
	return 0
}

func quiet(cl *kgo.Client, n *int64) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	fs := cl.PollFetches(ctx)
	*n += int64(fs.NumRecords())
	return fs.NumRecords() == 0
}

func TestAProduceResponseThatIsDroppedIsAskedForAgainOnANewConnection(t *testing.T) {
	for name, idempotent := range map[string]bool{"an idempotent producer's is stored once": true, "another's is stored again": false} {
		t.Run(name, func(t *testing.T) {
			f, hits := newFilter(t, "kafka")
			var opts []kgo.Opt
			if !idempotent {
				opts = append(opts, kgo.DisableIdempotentWrite())
			}
			cl, plain := runKafka(t, f, opts...)
			if _, err := produce(t, cl); err != nil {
				t.Fatal(err)
			}
			set(t, f, Rule{Kind: Confirm, Act: Drop, Share: 1, Count: 2})
			if _, err := produce(t, cl); err != nil {
				t.Fatal(err)
			}
			if n := hits.count(); n != 2 {
				t.Errorf("told of %d, want 2", n)
			}
			want := int64(2)
			if !idempotent {
				want = 4
			}
			if n := topicHolds(t, plain()); n != want {
				t.Errorf("the topic holds %d records, want %d", n, want)
			}
			if f.Lost() != 0 {
				t.Errorf("gave %d connections up", f.Lost())
			}
		})
	}
}

func TestARepeatedProduceRequestIsAnsweredOnceAndStoredOnceIfIdempotent(t *testing.T) {
	f, hits := newFilter(t, "kafka")
	cl, plain := runKafka(t, f)
	set(t, f, Rule{Kind: Publish, Act: Repeat, Share: 1})
	for range 5 {
		if _, err := produce(t, cl); err != nil {
			t.Fatal(err)
		}
	}
	if n := hits.count(); n != 5 {
		t.Errorf("told of %d, want 5", n)
	}
	if n := topicHolds(t, plain()); n != 5 {
		t.Errorf("the topic holds %d records, want 5", n)
	}
	if f.Lost() != 0 {
		t.Errorf("gave %d connections up", f.Lost())
	}
}

func TestADelayedProduceRequestStallsItsConnection(t *testing.T) {
	f, _ := newFilter(t, "kafka")
	cl, _ := runKafka(t, f)
	if _, err := produce(t, cl); err != nil {
		t.Fatal(err)
	}
	set(t, f, Rule{Kind: Publish, Act: Delay, Share: 1, Count: 1, For: 500 * time.Millisecond}, Rule{Kind: Confirm, Act: Delay, Share: 1, Count: 1, For: 500 * time.Millisecond})
	took, err := produce(t, cl)
	if err != nil {
		t.Fatal(err)
	}
	if took < time.Second {
		t.Errorf("took %s, want request and answer to take half a second each", took)
	}
}

func TestAMutedCommitOfOffsetsIsOverWhenItsRuleIs(t *testing.T) {
	f, hits := newFilter(t, "kafka")
	cl, _ := runKafka(t, f, kgo.ConsumeTopics("t"), kgo.ConsumerGroup("g"), kgo.DisableAutoCommit())
	if _, err := produce(t, cl); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	fs := cl.PollFetches(ctx)
	if err := fs.Err(); err != nil || fs.NumRecords() == 0 {
		t.Fatalf("%d records: %v", fs.NumRecords(), err)
	}
	set(t, f, Rule{Kind: Ack, Act: Mute, Share: 1})
	done := make(chan error, 1)
	go func() { done <- cl.CommitRecords(ctx, fs.Records()...) }()
	select {
	case err := <-done:
		t.Fatalf("a muted commit ended: %v", err)
	case <-time.After(500 * time.Millisecond):
	}
	if n := hits.count(); n != 1 {
		t.Errorf("told of %d, want 1", n)
	}
	set(t, f)
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("the commit ended with %v, want that it was tried again", err)
		}
	case <-time.After(2 * time.Second):
		t.Error("the commit goes on waiting without its rule")
	}
	if err := cl.CommitRecords(ctx, fs.Records()...); err != nil {
		t.Errorf("a commit after the rule: %v", err)
	}
}
