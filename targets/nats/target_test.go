package nats

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"waybill/targets"
)

func TestTheLinkedServerIsTheOnlyOneToBeHad(t *testing.T) {
	for _, c := range []struct {
		claim string
		p     targets.Provisioning
		says  string
	}{
		{"nothing asked for", targets.Provisioning{}, ""},
		{"its own version", targets.Provisioning{Version: server.VERSION}, ""},
		{"another version", targets.Provisioning{Version: "2.9.0"}, "--version 2.9.0 is not supported: the server is linked into waybill: want --version " + server.VERSION},
		{"a distribution", targets.Provisioning{Dist: "/opt/nats"}, "--dist /opt/nats is not supported"},
	} {
		t.Run(c.claim, func(t *testing.T) {
			d, err := target{}.Provision(t.Context(), c.p)
			if c.says != "" {
				if !errors.Is(err, targets.ErrUnsupported) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%v, want %q", err, c.says)
				}
				return
			}
			if err != nil || d.Version != server.VERSION || d.Facts["nats"] != server.VERSION {
				t.Errorf("%+v, %v", d, err)
			}
		})
	}
}

func TestServersOfSomebodyElseSayTheirVersion(t *testing.T) {
	e := embed(t)
	addr := strings.TrimPrefix(e.ClientURL(), "nats://")
	c, err := target{}.Connect(t.Context(), targets.Access{Brokers: []string{addr}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	version, facts, err := c.(targets.VersionReporter).Versions(t.Context())
	if err != nil || version != server.VERSION || facts["nats"] != server.VERSION {
		t.Errorf("%q, %v, %v: want %s", version, facts, err, server.VERSION)
	}
}

// Whatever is wrong with an address is said within seconds, and nothing is tried again.
func TestAnAddressWithoutAServerIsNotWaitedFor(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for claim, addr := range map[string]string{"refused": freeAddr(t), "silent": silent.Addr().String()} {
		t.Run(claim, func(t *testing.T) {
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			_, err := target{}.Connect(ctx, targets.Access{Brokers: []string{addr}})
			if took := time.Since(began); err == nil || !strings.Contains(err.Error(), addr) || took > 10*time.Second {
				t.Errorf("after %v: %v; want the address named, within seconds", took, err)
			}
		})
	}
}
