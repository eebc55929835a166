package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
	"waybill/targets"
)

// inspector reads what a stream holds, through consumers of its own that acknowledge nothing and end with the scan.
type inspector struct {
	*link
	names names
	scan  sync.Mutex // one at a time
}

// api makes a JetStream request. The connection may be to any node; leaders answer wherever they are.
func (i *inspector) api(ctx context.Context, subject string, body, into any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("nats: request %s: %w", subject, err)
	}
	m, err := request(ctx, i.link, subject, b)
	if err != nil {
		return err
	}
	var answer server.ApiResponse
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return fmt.Errorf("nats: answer to %s: %w", subject, err)
	}
	if answer.Error != nil {
		return fmt.Errorf("nats: %s: %w", subject, answer.Error)
	}
	if err := json.Unmarshal(m.Data, into); err != nil {
		return fmt.Errorf("nats: answer to %s: %w", subject, err)
	}
	return nil
}

// stream asks the stream's leader. When there is none a replica may answer for it, with a state that proves nothing:
// that is an error here, as is a stream that is not found.
func (i *inspector) stream(ctx context.Context) (*server.StreamInfo, error) {
	var a server.JSApiStreamInfoResponse
	if err := i.api(ctx, "$JS.API.STREAM.INFO."+i.names.stream, struct{}{}, &a); err != nil {
		return nil, err
	}
	if a.StreamInfo == nil || a.Cluster == nil || a.Cluster.Leader == "" {
		return nil, fmt.Errorf("nats: stream %s: %w", i.names.stream, targets.ErrNoLeader)
	}
	return a.StreamInfo, nil
}

func (i *inspector) consumer(ctx context.Context, name string) (*server.ConsumerInfo, error) {
	var a server.JSApiConsumerInfoResponse
	if err := i.api(ctx, "$JS.API.CONSUMER.INFO."+i.names.stream+"."+name, struct{}{}, &a); err != nil {
		return nil, err
	}
	if a.ConsumerInfo == nil || a.Cluster == nil || a.Cluster.Leader == "" {
		return nil, fmt.Errorf("nats: consumer %s of %s: %w", name, i.names.stream, targets.ErrNoLeader)
	}
	return a.ConsumerInfo, nil
}

// Depth implements targets.Inspector. The stream's leader is asked first, for the highest sequence, and then the
// consumer's leader, whose count of pending messages rests on its own replica and could be behind: so it must also have
// delivered, and seen acknowledged, up to that sequence to be settled.
func (i *inspector) Depth(ctx context.Context) (targets.Depth, error) {
	s, err := i.stream(ctx)
	if err != nil {
		return targets.Depth{}, err
	}
	o, err := i.consumer(ctx, i.names.stream)
	if err != nil {
		return targets.Depth{}, err
	}
	d := targets.Depth{
		Ready: int64(o.NumPending), Unacked: int64(o.NumAckPending), Last: int64(s.State.LastSeq),
		From: fmt.Sprintf("stream leader %s, consumer leader %s", s.Cluster.Leader, o.Cluster.Leader),
	}
	d.Settled = d.Ready == 0 && d.Unacked == 0 &&
		o.Delivered.Stream >= s.State.LastSeq && o.AckFloor.Stream >= s.State.LastSeq
	return d, nil
}

// Close implements targets.Inspector.
func (i *inspector) Close() error {
	i.link.close()
	return nil
}

// blind is the inspector of core NATS, where nothing is stored. Its drain is to flush and to be idle, which proves
// nothing: what is absent then is missing, not lost.
type blind struct{}

func (blind) Depth(context.Context) (targets.Depth, error) {
	return targets.Depth{From: "core NATS keeps no messages"}, nil
}

func (blind) Scan(context.Context, int, targets.ScanVisitor) error {
	return fmt.Errorf("nats: core: %w", targets.ErrNoScan)
}

func (blind) Close() error { return nil }

var errIdle = errors.New("the replica sent nothing more")
