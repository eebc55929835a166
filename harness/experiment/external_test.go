package experiment

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestWhereBrokersAreIsChecked(t *testing.T) {
	external := func(change func(*Spec)) Spec {
		s := DefaultSpec()
		s.Cluster, s.Nodes = External, 0
		change(&s)
		return s
	}
	inLab := func(change func(*Spec)) Spec {
		s := DefaultSpec()
		change(&s)
		return s
	}
	for _, c := range []struct {
		claim string
		spec  Spec
		err   string // "": none
	}{
		{"an external cluster needs no nodes", external(func(*Spec) {}), ""},
		{"nor brokers: the target has its own", external(func(s *Spec) { s.Brokers = []string{"a:1", "[::1]:65535"} }), ""},
		{"a lab by its name", inLab(func(s *Spec) { s.Cluster = Lab }), ""},
		{"a lab needs nodes", inLab(func(s *Spec) { s.Nodes = 2 }), "nodes is 2"},
		{"another place", inLab(func(s *Spec) { s.Cluster = "cloud" }), `cluster is "cloud": want "lab" or "external"`},
		{"brokers of a lab", inLab(func(s *Spec) { s.Brokers = []string{"a:1"} }), `want "external"`},
		{"access to a lab", inLab(func(s *Spec) { s.Access.User = "u" }), `access is given`},
		{"an address without a port", external(func(s *Spec) { s.Brokers = []string{"a:1", "b"} }), `brokers[1] is "b"`},
		{"a URL", external(func(s *Spec) { s.Brokers = []string{"amqp://b:1"} }), "brokers[0]"},
		{"a port that is none", external(func(s *Spec) { s.Brokers = []string{"b:0"} }), "brokers[0]"},
		{"a port too many", external(func(s *Spec) { s.Brokers = []string{"b:65536"} }), "brokers[0]"},
		{"a proxy beside each client", external(func(s *Spec) { s.Proxy = true }), "proxy"},
		{"timers of a network that is not the lab's", external(func(s *Spec) { s.FastHeal = true }), "fastHeal"},
		{"a distribution that nobody starts", external(func(s *Spec) { s.Dist = "/opt/kafka" }), "dist"},
	} {
		_, err := Resolve(c.spec, shop(), names())
		if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: %v, want %q", c.claim, err, c.err)
		}
	}
}

func TestAnExternalClusterHasNoHostsOfOurs(t *testing.T) {
	s := DefaultSpec()
	s.Cluster, s.Brokers, s.Modes = External, []string{"a:1", "b:2"}, []string{"quorum-confirms"}
	out, err := Resolve(s, shop(), names())
	if err != nil || len(out) != 1 {
		t.Fatalf("%v, %v", out, err)
	}
	if e := out[0]; e.Cluster != External || len(e.Brokers) != 2 || e.Nodes != 2 || e.Extra != nil {
		t.Errorf("%+v: want two brokers that somebody else runs, and nothing beside", e)
	}
}

func TestAccessIsCheckedAsItWillBeUsed(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "ca.pem")
	for _, c := range []struct {
		claim  string
		access AccessSpec
		env    map[string]string
		err    string
	}{
		{"none at all", AccessSpec{}, nil, ""},
		{"a user and a password", AccessSpec{User: "u", Password: "s3cret"}, nil, ""},
		{"both from the environment", AccessSpec{Mechanism: "plain"}, map[string]string{EnvUser: "u", EnvPassword: "s3cret"}, ""},
		{"the password from the environment", AccessSpec{User: "u", Mechanism: "scram-sha-512"}, map[string]string{EnvPassword: "s3cret"}, ""},
		{"a certificate is the user", AccessSpec{Mechanism: "external"}, nil, ""},
		{"a password of nobody", AccessSpec{}, map[string]string{EnvPassword: "s3cret"}, "access.user"},
		{"a mechanism for nobody", AccessSpec{Mechanism: "plain"}, nil, "access.user"},
		{"a mechanism that there is not", AccessSpec{User: "u", Mechanism: "kerberos"}, nil, `access.mechanism is "kerberos"`},
		{"a certificate without its key", AccessSpec{TLS: true, Cert: missing}, nil, "access.key"},
		{"files for TLS without it", AccessSpec{CA: missing}, nil, "access.tls"},
		{"a file that is not there", AccessSpec{TLS: true, CA: missing}, nil, "access.ca"},
	} {
		err := c.access.FromEnvironment(func(name string) string { return c.env[name] }).Check()
		if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: %v, want %q", c.claim, err, c.err)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the error holds the password: %v", c.claim, err)
		}
	}
	got := AccessSpec{User: "file", Password: "file"}.FromEnvironment(func(string) string { return "environment" })
	if got.User != "environment" || got.Password != "environment" {
		t.Errorf("%+v: want the environment over the file", got)
	}
}

func TestALedgersPasswordIsNotInTheExperiment(t *testing.T) {
	for _, c := range []struct{ claim, ledger, want, err string }{
		{"SQLite", "", "", ""},
		{"a password", "postgres://u:s3cret@db:5432/effects?sslmode=require", "postgres://u@db:5432/effects?sslmode=require", ""},
		{"the other name of the scheme, no password", "postgresql://u@db/effects", "postgresql://u@db/effects", ""},
		{"passwords in the query", "postgres://u@db/effects?password=s3cret&sslpassword=s3cret", "postgres://u@db/effects", ""},
		{"a socket", "postgres://u:s3cret@/effects?host=/run/postgresql", "postgres://u@/effects?host=%2Frun%2Fpostgresql", ""},
		{"another database", "mysql://u:s3cret@db/effects", "", "ledger"},
		{"no host", "postgres://u:s3cret@/effects", "", "ledger"},
		{"no database", "postgres://u:s3cret@db/", "", "ledger"},
		{"no user", "postgres://db/effects", "", "ledger"},
		{"a password with a slash that was not encoded", "postgres://u:s3cret/s3cret@db/effects", "", "percent-encoded"},
		{"a password that is no encoding", "postgres://u:s3cret%zz@db/effects", "", "percent-encoded"},
		{"settings instead of a URL", "host=db password=s3cret", "", "ledger"},
	} {
		s := DefaultSpec()
		s.Ledger = c.ledger
		out, err := Resolve(s, shop(), names())
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%s: %v: want %q, and no password", c.claim, err, c.err)
			}
			continue
		}
		if err != nil || out[0].Ledger != c.want {
			t.Errorf("%s: %q, %v, want %q", c.claim, out[0].Ledger, err, c.want)
		}
	}
}
