package nats

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"waybill/targets"
)

// streamConfig keeps everything: no limit of number, age or size that could discard a message, so that an absent message
// is a lost one. Reads by direct get are off, since followers would answer them.
func streamConfig(n names, window time.Duration) *server.StreamConfig {
	return &server.StreamConfig{
		Name: n.stream, Subjects: []string{n.subjects},
		Retention: server.LimitsPolicy, Storage: server.FileStorage, Replicas: replicas, Discard: server.DiscardNew,
		MaxMsgs: -1, MaxBytes: -1, MaxMsgsPer: -1, MaxMsgSize: -1, MaxConsumers: -1,
		Duplicates: window,
	}
}

func consumerConfig(n names) *server.ConsumerConfig {
	return &server.ConsumerConfig{
		Durable: n.stream, Name: n.stream, DeliverPolicy: server.DeliverAll, AckPolicy: server.AckExplicit,
		AckWait: ackWait, MaxDeliver: -1, MaxAckPending: maxAckPending, Replicas: replicas, ReplayPolicy: server.ReplayInstant,
	}
}

// CreateQueue implements targets.Cluster. Making a queue that exists with the same settings is no error and keeps what it
// holds; with other settings it is one. A core queue is nothing but a name.
func (c *cluster) CreateQueue(ctx context.Context, q targets.Queue) error {
	return c.makeQueue(ctx, q, c.await)
}

// makeQueue is CreateQueue, with a way to wait until the cluster serves it.
func (c *peers) makeQueue(ctx context.Context, q targets.Queue, await func(context.Context) error) error {
	m, ok := modeOf(q.Mode)
	if !ok {
		return fmt.Errorf("nats: no mode %q: want one of %q", q.Mode, modeNames())
	}
	if !m.stream {
		return c.flush(ctx)
	}
	n := namesOf(q.Name)
	if err := c.create(ctx, n, m.window); err != nil {
		return fmt.Errorf("nats: create queue %q: %w", q.Name, err)
	}
	c.mu.Lock()
	c.queues[n.stream] = q.Mode
	c.mu.Unlock()
	if err := await(ctx); err != nil {
		return err
	}
	return c.reachable(ctx, n)
}

// reachable waits until a publish at any node reaches the stream's leader, which is later than that there is one: nodes
// tell each other what they listen to. The probe names a stream that it expects and that is not there, so the leader
// answers with a refusal and nothing is stored.
func (c *peers) reachable(ctx context.Context, n names) error {
	return c.each(func(_ int, at *node) error {
		probe := nats.NewMsg(n.stream + ".probe")
		probe.Header.Set(nats.ExpectedStreamHdr, "none")
		for {
			asked, cancel := context.WithTimeout(ctx, ask)
			m, err := at.app.nc.RequestMsgWithContext(asked, probe)
			cancel()
			if err == nil {
				var ack server.JSPubAckResponse
				if err = json.Unmarshal(m.Data, &ack); err == nil && ack.Error != nil && ack.Error.ErrCode == uint16(server.JSStreamNotMatchErr) {
					return nil
				}
				err = fmt.Errorf("answered %q: %w", m.Data, noneNil(err))
			}
			if targets.Pause(ctx, 20*time.Millisecond) != nil {
				return fmt.Errorf("nats: queue %s from %s: %w: %w", n.stream, at.Name, ctx.Err(), err)
			}
		}
	})
}

// create repeats until both are made: a cluster that has just formed refuses for a moment.
func (c *peers) create(ctx context.Context, n names, window time.Duration) error {
	var stream server.JSApiStreamCreateResponse
	var consumer server.JSApiConsumerCreateResponse
	for {
		err := c.api(ctx, "$JS.API.STREAM.CREATE."+n.stream, streamConfig(n, window), &stream)
		if err == nil {
			err = c.api(ctx, "$JS.API.CONSUMER.DURABLE.CREATE."+n.stream+"."+n.stream,
				server.CreateConsumerRequest{Stream: n.stream, Config: *consumerConfig(n)}, &consumer)
		}
		if err == nil || refused(err) {
			return err
		}
		if targets.Pause(ctx, 100*time.Millisecond) != nil {
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		}
	}
}

// flush makes a round trip to every node.
func (c *peers) flush(ctx context.Context) error {
	return c.each(func(_ int, n *node) error {
		ctx, cancel := context.WithTimeout(ctx, ask)
		defer cancel()
		if err := n.app.nc.FlushWithContext(ctx); err != nil {
			return fmt.Errorf("nats: round trip to %s: %w", n.Name, err)
		}
		return nil
	})
}

// streams are the names of the queues that are streams.
func (c *peers) streams() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ss []string
	for s := range c.queues {
		ss = append(ss, s)
	}
	return ss
}
