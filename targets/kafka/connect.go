package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kmsg"
	"waybill/targets"
)

// Addresses implements targets.Connector.
func (target) Addresses() []string {
	return []string{"127.0.0.1:19092", "127.0.0.1:29092", "127.0.0.1:39092"}
}

// Connect implements targets.Connector: the cluster's brokers as any of those named knows them, at the addresses that
// brokers advertise. They go by their numbers.
func (target) Connect(ctx context.Context, a targets.Access) (targets.Cluster, error) {
	brokers, err := discover(ctx, a)
	if err != nil {
		return nil, err
	}
	c := &cluster{log: func(string, ...any) {}, copies: min(replicas, len(brokers)), topics: map[string]bool{}}
	for _, b := range brokers {
		n := &node{id: b.NodeID, Node: targets.Node{Name: strconv.Itoa(int(b.NodeID)), Addr: net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port)))}}
		if n.client, err = openLine(n.Name, n.Addr, &a); err != nil {
			return nil, errors.Join(err, c.Close())
		}
		c.brokers = append(c.brokers, n)
	}
	if err := c.Healthy(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("kafka: the cluster that %v led to: %w", a.Brokers, err), c.Close())
	}
	return c, nil
}

// discover asks one address after another for the brokers, in the order of their numbers.
func discover(ctx context.Context, a targets.Access) ([]kmsg.MetadataResponseBroker, error) {
	if len(a.Brokers) == 0 {
		return nil, errors.New("kafka: no brokers to connect to: want host:port")
	}
	var errs []error
	for _, addr := range a.Brokers {
		brokers, err := brokersAt(ctx, addr, a)
		if err == nil {
			return brokers, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func brokersAt(ctx context.Context, addr string, a targets.Access) ([]kmsg.MetadataResponseBroker, error) {
	l, err := openLine(addr, addr, &a)
	if err != nil {
		return nil, err
	}
	defer l.close()
	r, err := request[*kmsg.MetadataResponse](ctx, l, kmsg.NewPtrMetadataRequest())
	if err != nil {
		return nil, err
	}
	if err := refusal(addr, kmsg.NewPtrMetadataRequest(), r.ErrorCode, nil); err != nil {
		return nil, err
	}
	if len(r.Brokers) == 0 {
		return nil, fmt.Errorf("kafka: %s knows no brokers", addr)
	}
	slices.SortFunc(r.Brokers, func(x, y kmsg.MetadataResponseBroker) int { return cmp.Compare(x.NodeID, y.NodeID) })
	return r.Brokers, nil
}
