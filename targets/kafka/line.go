package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"waybill/targets"
)

// ask is the longest that one node may take to answer one question.
const ask = 2 * time.Second

// pollEvery is how often a condition that the cluster is waited for is looked at.
const pollEvery = 50 * time.Millisecond

// line is the harness's own connection to one listener of one node. Requests go there and nowhere else, whatever the
// node says about who leads.
type line struct {
	name string // of the node
	cl   *kgo.Client
}

func openLine(name, addr string, a *targets.Access) (*line, error) {
	opts, err := secured(a)
	if err != nil {
		return nil, err
	}
	cl, err := kgo.NewClient(append(opts,
		kgo.ClientID("harness"), kgo.SeedBrokers(addr), kgo.DialTimeout(dialTimeout), kgo.RequestTimeoutOverhead(ask),
		kgo.RequestRetries(2), kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }), kgo.DisableClientMetrics(),
	)...)
	if err != nil {
		return nil, fmt.Errorf("kafka: client of %s at %s: %w", name, addr, err)
	}
	return &line{name: name, cl: cl}, nil
}

func (l *line) close() {
	if l != nil {
		l.cl.Close()
	}
}

// request asks one question, for at most as long as a node may take.
func request[R kmsg.Response](ctx context.Context, l *line, q kmsg.Request) (R, error) {
	var none R
	ctx, cancel := context.WithTimeout(ctx, ask)
	defer cancel()
	answer, err := l.cl.SeedBrokers()[0].RetriableRequest(ctx, q)
	what := kmsg.NameForKey(q.Key())
	if err != nil {
		return none, fmt.Errorf("kafka: %s asked for %s: %w", l.name, what, err)
	}
	r, ok := answer.(R)
	if !ok {
		return none, fmt.Errorf("kafka: %s asked for %s answered with a %T", l.name, what, answer)
	}
	return r, nil
}

// each runs f for all nodes at once and joins what failed.
func each(nodes []*node, f func(i int, n *node) error) error {
	errs := make([]error, len(nodes))
	var all sync.WaitGroup
	for i, n := range nodes {
		all.Go(func() { errs[i] = f(i, n) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// anyBroker puts a question to one broker after another until one answers it well: what brokers hand on to the controller.
func (c *cluster) anyBroker(f func(n *node) error) error {
	var errs []error
	for _, n := range c.brokers {
		err := f(n)
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// refusal is the error in an answer, nil for none, with what the node adds to it.
func refusal(name string, q kmsg.Request, code int16, message *string) error {
	err := kerr.ErrorForCode(code)
	if err == nil {
		return nil
	}
	what := kmsg.NameForKey(q.Key())
	if message != nil && *message != "" {
		return fmt.Errorf("kafka: %s answered %s with: %s: %w", name, what, *message, err)
	}
	return fmt.Errorf("kafka: %s answered %s with: %w", name, what, err)
}
