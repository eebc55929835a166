package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"
	"waybill/harness/history"
	"waybill/targets"
)

const (
	scanBatch    = 4096            // messages a pull request asks for
	scanAhead    = 3               // requests outstanding
	scanIdle     = 3 * time.Second // without a message, after which a replica is behind
	scanTries    = 32              // consumers made in search of other replicas
	scanInactive = 30 * time.Second
)

// Scan implements targets.Inspector.
//
// Each replica is read by a consumer with one replica and memory storage of its own: such a consumer runs on one node and
// reads that node's own copy of the stream. Which node is the server's random choice among the stream's peers, so
// consumers are made until enough nodes were met. A replica is complete when it was read up to the last sequence that the
// stream's leader told after the consumer was made, and when it sent as many messages as it said it holds, in increasing sequence and
// without a hole in the consumer's own count. One that is behind is passed over.
func (i *inspector) Scan(ctx context.Context, want int, v targets.ScanVisitor) error {
	i.scan.Lock()
	defer i.scan.Unlock()
	s, err := i.stream(ctx)
	if err != nil {
		return err // at once, rather than at each try
	}
	t := tally{stream: i.names.stream, want: want, peers: 1 + len(s.Cluster.Replicas), met: map[string]bool{}}
	for try := 0; t.more() && try < scanTries && ctx.Err() == nil; try++ {
		o, err := i.open(ctx)
		if err != nil {
			t.short = append(t.short, err)
			if targets.Pause(ctx, 100*time.Millisecond) != nil {
				break
			}
			continue
		}
		if replica := o.Cluster.Leader; !t.met[replica] {
			t.read(replica, i.read(ctx, replica, o, v))
		}
		i.remove(o.Name)
	}
	if err := t.err(); err != nil {
		return errors.Join(err, ctx.Err())
	}
	return nil
}

// open makes a consumer that runs on some one replica.
func (i *inspector) open(ctx context.Context) (*server.ConsumerInfo, error) {
	name := "scan-" + nuid.Next()
	var a server.JSApiConsumerCreateResponse
	err := i.api(ctx, "$JS.API.CONSUMER.CREATE."+i.names.stream+"."+name, server.CreateConsumerRequest{
		Stream: i.names.stream,
		Config: server.ConsumerConfig{
			Name: name, DeliverPolicy: server.DeliverAll, AckPolicy: server.AckNone, ReplayPolicy: server.ReplayInstant,
			Replicas: 1, MemoryStorage: true, InactiveThreshold: scanInactive,
		},
	}, &a)
	if err != nil {
		i.remove(name) // it may have been made and the answer lost
		return nil, err
	}
	if a.ConsumerInfo == nil || a.Cluster == nil || a.Cluster.Leader == "" {
		i.remove(name)
		return nil, fmt.Errorf("nats: consumer %s of %s runs nowhere", name, i.names.stream)
	}
	return a.ConsumerInfo, nil
}

// remove is a courtesy: the broker forgets an idle consumer after scanInactive.
func (i *inspector) remove(name string) {
	i.nc.Publish("$JS.API.CONSUMER.DELETE."+i.names.stream+"."+name, nil) //nolint:errcheck // see above
}

// read tells v what one replica holds.
func (i *inspector) read(ctx context.Context, replica string, o *server.ConsumerInfo, v targets.ScanVisitor) (err error) {
	s, err := i.stream(ctx)
	if err != nil {
		return err
	}
	p := progress{held: o.NumPending, last: s.State.LastSeq, deleted: uint64(s.State.NumDeleted)}
	v.Begin(replica, []targets.Range{{From: history.Position{Offset: int64(s.State.FirstSeq)}, To: history.Position{Offset: int64(p.last)}}})
	defer func() { v.End(replica, int64(p.copies), err) }()

	inbox := nats.NewInbox()
	sub, err := i.nc.SubscribeSync(inbox)
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	defer sub.Unsubscribe() //nolint:errcheck // fails only when the connection is gone
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	ahead := pager{link: i.link, inbox: inbox, next: "$JS.API.CONSUMER.MSG.NEXT." + i.names.stream + "." + o.Name}
	for began := time.Now(); p.more(); {
		if err := ahead.ask(); err != nil {
			return err
		}
		m, err := nextWithin(ctx, sub, scanIdle)
		if errors.Is(err, errIdle) {
			break // complete or not: judged below
		}
		if err != nil {
			return fmt.Errorf("after sequence %d: %w", p.seq, err)
		}
		if status := m.Header.Get(statusHeader); status != "" && m.Reply == "" && len(m.Data) == 0 {
			ahead.ended()
			if status == noResponders && p.copies == 0 && time.Since(began) < scanIdle {
				// The consumer is new, and the node we are connected to has not heard of it.
				if err := targets.Pause(ctx, 10*time.Millisecond); err != nil {
					return err
				}
				continue
			}
			if status == "409" || status == noResponders {
				return fmt.Errorf("its consumer ended after sequence %d: %s %s", p.seq, status, m.Header.Get("Description"))
			}
			continue
		}
		meta, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("reply subject %q: %w", m.Reply, err)
		}
		ahead.got()
		if err := p.accept(meta.Sequence.Consumer, meta.Sequence.Stream); err != nil {
			return err
		}
		c := targets.Copy{Pos: history.Position{Offset: int64(p.seq)}}
		c.Token, c.Attempt, c.Key, c.Payload = decode(m)
		v.Copy(c)
	}
	return p.complete()
}

// pager keeps a few pull requests outstanding, so that the replica never waits for the next.
type pager struct {
	link        *link
	inbox, next string
	requests    int // outstanding
	left        int // messages the oldest of them still asks for
}

func (p *pager) ask() error {
	for p.requests < scanAhead {
		body, err := json.Marshal(pull{Batch: scanBatch, Expires: 2 * scanIdle})
		if err != nil {
			return fmt.Errorf("pull request: %w", err)
		}
		if err := p.link.nc.PublishRequest(p.next, p.inbox, body); err != nil {
			return fmt.Errorf("pull request: %w", err)
		}
		if p.requests == 0 {
			p.left = scanBatch
		}
		p.requests++
	}
	return nil
}

// got counts a message. Requests are served in turns by the server, but together ask for as much.
func (p *pager) got() {
	if p.left--; p.left <= 0 {
		p.requests--
		p.left = scanBatch
	}
}

func (p *pager) ended() { p.requests = max(0, p.requests-1) }

// nextWithin waits for a message until it is idle for d, looking at ctx now and then: a context of its own for each
// message would cost more than the message.
func nextWithin(ctx context.Context, sub *nats.Subscription, d time.Duration) (*nats.Msg, error) {
	const look = 200 * time.Millisecond
	for ; d > 0; d -= look {
		m, err := sub.NextMsg(min(d, look))
		switch {
		case err == nil:
			return m, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, nats.ErrNoResponders): // the library's word for the status
			return &nats.Msg{Header: nats.Header{statusHeader: {noResponders}}}, nil
		case !errors.Is(err, nats.ErrTimeout):
			return nil, err
		}
	}
	return nil, errIdle
}

func sorted(set map[string]bool) string {
	var names []string
	for n := range set {
		names = append(names, n)
	}
	sort.Strings(names)
	return strings.Join(names, ", ")
}
