package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"
	"waybill/targets"
)

// certificate is one for loopback, and the file of its authority, which is itself.
func certificate(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return s.TLS.Certificates[0], file
}

func others(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(3)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestAClusterOfSomebodyElses(t *testing.T) {
	cert, authority := certificate(t)
	encrypted := kfake.TLS(&tls.Config{Certificates: []tls.Certificate{cert}})
	var methods []kfake.Opt
	for method, user := range map[string]string{"PLAIN": "p", "SCRAM-SHA-256": "s", "SCRAM-SHA-512": "l"} {
		methods = append(methods, kfake.Superuser(method, user, "secret"))
	}
	methods = append(methods, kfake.EnableSASL())
	for _, c := range []struct {
		claim  string
		there  []kfake.Opt
		access targets.Access
		says   string // "" where a connection is made
	}{
		{"in the open", nil, targets.Access{}, ""},
		{"by TLS", []kfake.Opt{encrypted}, targets.Access{TLS: true, CA: authority}, ""},
		{"by TLS from an unknown authority", []kfake.Opt{encrypted}, targets.Access{TLS: true}, x509.UnknownAuthorityError{}.Error()},
		{"by TLS, with a file that is none", nil, targets.Access{TLS: true, CA: "/nowhere"}, "certificate authority"},
		{"by a user", methods, targets.Access{User: "p", Password: "secret"}, ""},
		{"by PLAIN", methods, targets.Access{Mechanism: "plain", User: "p", Password: "secret"}, ""},
		{"by SCRAM-SHA-256", methods, targets.Access{Mechanism: "scram-sha-256", User: "s", Password: "secret"}, ""},
		{"by SCRAM-SHA-512", methods, targets.Access{Mechanism: "scram-sha-512", User: "l", Password: "secret"}, ""},
		{"by SCRAM-SHA-512 and TLS", append(methods, encrypted), targets.Access{Mechanism: "scram-sha-512", User: "l", Password: "secret", TLS: true, CA: authority}, ""},
		{"with a wrong password", methods, targets.Access{User: "p", Password: "wrong"}, "asked for Metadata"},
		{"without a user", methods, targets.Access{Mechanism: "plain"}, "wants a user"},
		{"by an unknown mechanism", methods, targets.Access{Mechanism: "kerberos", User: "p"}, "want plain, scram-sha-256 or scram-sha-512"},
	} {
		t.Run(c.claim, func(t *testing.T) {
			t.Parallel()
			c.access.Brokers = append([]string{"127.0.0.1:1"}, others(t, c.there...).ListenAddrs()...) // one that is down hides no other
			got, err := target{}.Connect(within(t, 20*time.Second), c.access)
			if c.says != "" {
				if err == nil || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%v, want %q", err, c.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer got.Close()
			if len(got.Nodes()) != 3 {
				t.Errorf("nodes %v, want 3", got.Nodes())
			}
		})
	}
}

func TestQueuesOfACluster(t *testing.T) {
	there := others(t)
	got, err := target{}.Connect(within(t, 20*time.Second), targets.Access{Brokers: there.ListenAddrs()})
	if err != nil {
		t.Fatal(err)
	}
	c := got.(*cluster)
	defer c.Close()
	var addrs []string
	for _, n := range c.Nodes() {
		addrs = append(addrs, n.Addr)
	}
	if diff := cmp.Diff(there.ListenAddrs(), addrs); diff != "" {
		t.Errorf("nodes are where the brokers say they are:\n%s", diff)
	}
	if err := c.StartNode(t.Context(), c.Nodes()[0].Name); !errors.Is(err, targets.ErrExternal) {
		t.Errorf("a node of somebody else's was started: %v", err)
	}
	if err := c.CreateQueue(t.Context(), targets.Queue{Name: "q", Mode: "no such"}); err == nil {
		t.Error("a queue of no mode was made")
	}
	for _, m := range modes() {
		q := targets.Queue{Name: "q-" + m.Name, Mode: m.Name}
		for range 2 { // the second time it is there
			if err := c.CreateQueue(within(t, 10*time.Second), q); err != nil {
				t.Fatal(err)
			}
		}
		want := []string{q.Name}
		if m.Traits.Transactional {
			want = append(want, q.Name+".out")
		}
		if diff := cmp.Diff(want, c.made()); diff != "" {
			t.Errorf("%s: topics made:\n%s", m.Name, diff)
		}
		if err := c.DeleteQueue(within(t, 10*time.Second), q); err != nil {
			t.Error(err)
		}
		if vs, err := c.views(t.Context()); err != nil || len(vs[0].topics) > 0 {
			t.Errorf("%s: left behind: %v, %v", m.Name, vs[0].topics, err)
		}
		if err := c.DeleteQueue(within(t, 10*time.Second), q); err != nil {
			t.Errorf("%s is not there, and cannot be deleted: %v", q.Name, err)
		}
	}
}

func TestATopicOfAnotherShapeIsRefused(t *testing.T) {
	there := others(t, kfake.SeedTopics(partitions+1, "q"))
	c, err := target{}.Connect(within(t, 20*time.Second), targets.Access{Brokers: there.ListenAddrs()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.CreateQueue(within(t, time.Second), targets.Queue{Name: "q", Mode: modes()[0].Name}); err == nil || !strings.Contains(err.Error(), "has 5 partitions, want 4") {
		t.Error(err)
	}
}
