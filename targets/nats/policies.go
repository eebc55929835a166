package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
	"waybill/targets"
)

// Policies implements targets.PolicyReader, from the leaders of the stream and of its consumer. A queue of core NATS has
// none: it holds nothing.
func (c *peers) Policies(ctx context.Context, queue string) ([]targets.Policy, error) {
	n := namesOf(queue)
	if !c.isStream(n.stream) {
		return nil, nil
	}
	var s server.JSApiStreamInfoResponse
	if err := c.api(ctx, "$JS.API.STREAM.INFO."+n.stream, struct{}{}, &s); err != nil {
		return nil, fmt.Errorf("nats: policies of %q: %w", queue, err)
	}
	var o server.JSApiConsumerInfoResponse
	if err := c.api(ctx, "$JS.API.CONSUMER.INFO."+n.stream+"."+n.stream, struct{}{}, &o); err != nil {
		return nil, fmt.Errorf("nats: policies of %q: %w", queue, err)
	}
	if s.StreamInfo == nil || o.ConsumerInfo == nil || o.Config == nil {
		return nil, fmt.Errorf("nats: policies of %q: the answer has no configuration", queue)
	}
	sc, oc := s.StreamInfo.Config, o.Config
	p := func(name string, v any) targets.Policy { return targets.Policy{Name: name, Value: fmt.Sprint(v)} }
	return []targets.Policy{
		p("retention", sc.Retention), p("storage", sc.Storage), p("replicas", sc.Replicas), p("discard", sc.Discard),
		p("max messages", sc.MaxMsgs), p("max bytes", sc.MaxBytes), p("max age", sc.MaxAge),
		p("max messages per subject", sc.MaxMsgsPer), p("max message size", sc.MaxMsgSize),
		p("duplicate window", sc.Duplicates), p("allow direct", sc.AllowDirect),
		p("ack policy", oc.AckPolicy), p("ack wait", oc.AckWait), p("max deliver", oc.MaxDeliver),
		p("max ack pending", oc.MaxAckPending), p("inactive threshold", oc.InactiveThreshold),
	}, nil
}

func (c *peers) isStream(s string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, is := c.queues[s]
	return is
}

// Config implements targets.ConfigReporter: what was set, and what the node says of itself.
func (c *cluster) Config(ctx context.Context, name string) (string, error) {
	n, err := c.node(name)
	if err != nil {
		return "", err
	}
	var v server.Varz
	if err := n.monitor(ctx, monitorVars, nil, &v); err != nil {
		return "", err
	}
	effective, err := json.MarshalIndent(map[string]any{
		"version": v.Version, "go": v.GoVersion, "gomaxprocs": v.MaxProcs, "cores": v.Cores, "name": v.Name,
		"host": v.Host, "port": v.Port, "max_payload": v.MaxPayload, "max_pending": v.MaxPending,
		"ping_interval": v.PingInterval.String(), "max_pings_out": v.MaxPingsOut, "write_deadline": v.WriteDeadline.String(),
		"cluster": v.Cluster, "jetstream": v.JetStream.Config,
	}, "", "  ")
	if err != nil {
		return "", fmt.Errorf("nats: configuration of %s: %w", name, err)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "# reported by the server\n%s\n# differs from the defaults\n", effective)
	for _, d := range []struct{ what, is, def string }{
		{"ping_interval", v.PingInterval.String(), server.DEFAULT_PING_INTERVAL.String()},
		{"cluster.ping_interval", routePing.String() + " (as set: the server does not report it)", "30s"},
		{"jetstream.max_memory_store", fmt.Sprint(memoryOf(v)), "75 % of the machine"},
		{"jetstream.sync_interval", syncOf(v), defaultSync},
		{"jetstream.max_file_store", fmt.Sprint(fileOf(v)), "75 % of the free disk"},
	} {
		if d.is != d.def {
			fmt.Fprintf(&text, "%s: %s, default %s\n", d.what, d.is, d.def)
		}
	}
	fmt.Fprintf(&text, "# configuration file\n%s", configText(c.profile, n.machine, c.machines()))
	return text.String(), nil
}

func memoryOf(v server.Varz) int64 {
	if v.JetStream.Config == nil {
		return 0
	}
	return v.JetStream.Config.MaxMemory
}

func fileOf(v server.Varz) int64 {
	if v.JetStream.Config == nil {
		return 0
	}
	return v.JetStream.Config.MaxStore
}

// syncOf is how often the server syncs what it stores to disk.
func syncOf(v server.Varz) string {
	switch c := v.JetStream.Config; {
	case c == nil:
		return "?"
	case c.SyncAlways:
		return "always"
	default:
		return c.SyncInterval.String()
	}
}

func (c *cluster) machines() []machine {
	var ms []machine
	for _, n := range c.nodes {
		ms = append(ms, n.machine)
	}
	return ms
}

// refused reports whether the API's answer is a decision that trying again does not change.
func refused(err error) bool {
	var e *server.ApiError
	return errors.As(err, &e) && e.Code == 400
}
