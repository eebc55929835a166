package run

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"waybill/harness/experiment"
	"waybill/harness/semantics"
	"waybill/targets"
)

// led is a cluster of which only the leaders matter.
type led struct {
	targets.Cluster
	partitions int
	moved      []string
}

func (*led) Nodes() []targets.Node { return []targets.Node{{Name: "n1"}, {Name: "n2"}} }

func (*led) CreateQueue(context.Context, targets.Queue) error { return nil }

func (c *led) Leaders(context.Context, string, string) ([]targets.Leadership, error) {
	return make([]targets.Leadership, c.partitions), nil
}

func (c *led) MoveLeader(_ context.Context, queue, of, node string) error {
	c.moved = append(c.moved, fmt.Sprintf("%s of %s to %s", of, queue, node))
	return nil
}

func TestAQueueIsLedWhereTheFirstClientConnects(t *testing.T) {
	for _, c := range []struct {
		claim      string
		leader     bool
		partitions int
		want       string
	}{
		{"what leads it, and its consumers", true, 1, "queue of q to n1, consumer of q to n1"},
		{"but not where partitions are spread", true, 3, ""},
		{"nor where a queue lives on one node", false, 1, ""},
	} {
		cluster := &led{partitions: c.partitions}
		r := &replicate{lane: &lane{spec: experiment.Lane{Queue: "q", Mode: semantics.Mode{Traits: semantics.Traits{Leader: c.leader}}}}}
		r.controller = &controller{cluster: cluster, lanes: []*lane{r.lane}, product: targets.Description{Leaders: []string{targets.OfQueue, targets.OfConsumer, targets.OfController}}}
		r.exp.Limits.Start = time.Minute
		if err := r.makeQueue(t.Context()); err != nil {
			t.Errorf("%s: %v", c.claim, err)
		}
		if got := strings.Join(cluster.moved, ", "); got != c.want {
			t.Errorf("%s: moved %q, want %q", c.claim, got, c.want)
		}
	}
}
