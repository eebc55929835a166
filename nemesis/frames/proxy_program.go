package frames

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"

	"waybill/harness/reexec"
)

// ProxyProgram is the name under which this binary is the proxy. It is started on the client's host, after the redirect and before the
// client, with a control socket over which Connect speaks with it; it ends when that closes.
const ProxyProgram = "frames-proxy"

// proxyControl is the name of the control socket, as processes of a lab inherit it.
const proxyControl = "control"

// ProxyConfig is what a proxy must know. It travels as JSON.
type ProxyConfig struct {
	Protocol string `json:"protocol"` // one of Protocols
	Port     uint16 `json:"port"`     // of the host, to which connections are redirected
	Mark     uint32 `json:"mark"`     // of the proxy's own connections, which are not
}

// order is what the proxy is told, one in a line of JSON: first a configuration, then rules. One that sets nothing only asks for an answer.
type order struct {
	Config *ProxyConfig `json:"config,omitempty"`
	ID     uint64       `json:"id,omitempty"`
	Set    bool         `json:"set,omitempty"`
	Rules  []Rule       `json:"rules,omitempty"`
}

// report is what it says, one in a line: that it is ready, or why not; that an order was followed, or why not; hits and refusals.
type report struct {
	Ready   bool     `json:"ready,omitempty"`
	ID      uint64   `json:"id,omitempty"` // of the order
	Error   string   `json:"error,omitempty"`
	Lost    int      `json:"lost,omitempty"` // as Filter.Lost
	Hit     *Hit     `json:"hit,omitempty"`
	Refused *Refusal `json:"refused,omitempty"`
}

func init() { reexec.Register(ProxyProgram, proxyMain) }

func proxyMain([]string) int {
	control := reexec.Inherited(proxyControl)
	if control == nil {
		fmt.Fprintf(os.Stderr, "frames: %s wants a control socket: it is started by the harness only\n", ProxyProgram)
		return 3
	}
	if err := runProxy(context.Background(), control); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 4
	}
	return 0
}

// runProxy follows the orders that come over control, until it ends.
func runProxy(ctx context.Context, control io.ReadWriter) error {
	orders := json.NewDecoder(control)
	var first order
	if err := orders.Decode(&first); err != nil {
		return fmt.Errorf("frames: proxy: expected its configuration: %w", err)
	}
	if first.Config == nil {
		return errors.New("frames: proxy: expected its configuration before any rules")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex
	say := func(r report) {
		line, err := json.Marshal(r)
		if err != nil {
			return // a report is made of strings and numbers
		}
		mu.Lock()
		defer mu.Unlock()
		if _, err := control.Write(append(line, '\n')); err != nil {
			cancel() // nobody is left to be told
		}
	}
	filter, listener, err := first.Config.open(ctx, func(h Hit) { say(report{Hit: &h}) })
	if err != nil {
		say(report{Error: err.Error()})
		return err
	}
	say(report{Ready: true})
	go func() {
		defer cancel()
		for {
			var o order
			if err := orders.Decode(&o); err != nil {
				return
			}
			r := report{ID: o.ID, Lost: filter.Lost()}
			if o.Set {
				if err := filter.Set(o.Rules); err != nil {
					r.Error = err.Error()
				}
			}
			say(r)
		}
	}()
	return NewProxy(filter, first.Config.Mark, func(r Refusal) { say(report{Refused: &r}) }).Serve(ctx, listener)
}

// open makes what the proxy needs, and fails where it could not do its work: a mark needs a privilege (CAP_NET_ADMIN over the host's
// network), which is better missed now than at the first connection.
func (cfg ProxyConfig) open(ctx context.Context, hit func(Hit)) (*Filter, *net.TCPListener, error) {
	if cfg.Port == 0 || cfg.Mark == 0 {
		return nil, nil, fmt.Errorf("frames: proxy: port %d and mark %d: expected those of the redirect, neither of them 0", cfg.Port, cfg.Mark)
	}
	filter, err := New(cfg.Protocol, hit)
	if err != nil {
		return nil, nil, err
	}
	// Only what was redirected comes by loopback. Whether a client is alive its own kernel knows: no probes.
	listening := net.ListenConfig{KeepAlive: -1, Control: marking(cfg.Mark)}
	at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), cfg.Port)
	listener, err := listening.Listen(ctx, "tcp4", at.String())
	if err != nil {
		return nil, nil, fmt.Errorf("frames: proxy: %w", err)
	}
	return filter, listener.(*net.TCPListener), nil
}
