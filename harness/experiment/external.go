package experiment

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
)

// Environment variables that hold the credentials of an external cluster. They win over an experiment file's.
const (
	EnvUser     = "WAYBILL_USER"
	EnvPassword = "WAYBILL_PASSWORD"
)

// Mechanisms of SASL that access.mechanism may name. By the last, the client's certificate says who it is.
var mechanisms = []string{"plain", "scram-sha-256", "scram-sha-512", byCertificate}

const byCertificate = "external"

// FromEnvironment is the access with the credentials that the environment has. It is for external clusters only: without one there
// is nobody to give them to.
func (a AccessSpec) FromEnvironment(getenv func(string) string) AccessSpec {
	if user := getenv(EnvUser); user != "" {
		a.User = user
	}
	if password := getenv(EnvPassword); password != "" {
		a.Password = password
	}
	return a
}

// checkPlace checks where the brokers are. No error holds a password.
func (s Spec) checkPlace() error {
	switch s.Cluster {
	case "", Lab:
		switch {
		case len(s.Brokers) > 0:
			return fmt.Errorf("experiment: brokers are given, but cluster is %q: want %q with them", s.Cluster, External)
		case s.Access != (AccessSpec{}):
			return fmt.Errorf("experiment: access is given, but cluster is %q: want %q with it", s.Cluster, External)
		case s.Nodes < 3:
			return fmt.Errorf("experiment: nodes is %d: want at least 3: with fewer, no majority survives a fault", s.Nodes)
		}
		return nil
	case External:
	default:
		return fmt.Errorf("experiment: cluster is %q: want %q or %q", s.Cluster, Lab, External)
	}
	for i, b := range s.Brokers {
		if err := checkAddress(b); err != nil {
			return fmt.Errorf("experiment: brokers[%d] is %q: %w", i, b, err)
		}
	}
	if s.Proxy {
		return errors.New("experiment: proxy puts one beside each client by rules of the lab's own network, and clients of an external cluster use the machine's: leave one of them out")
	}
	if s.FastHeal {
		return errors.New("experiment: fastHeal sets the timers of the lab's own network, and clients of an external cluster use the machine's: leave one of them out")
	}
	if s.Dist != "" {
		return errors.New("experiment: dist is a distribution to start, and an external cluster runs already: leave one of them out")
	}
	return nil
}

func checkAddress(a string) error {
	want := errors.New("want host:port, without a scheme")
	host, port, err := net.SplitHostPort(a)
	if err != nil || host == "" {
		return want
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return want
	}
	return nil
}

// Check checks the access as it will be used, with what the environment says. No error holds the password.
func (a AccessSpec) Check() error {
	switch {
	case a.Mechanism != "" && !slices.Contains(mechanisms, a.Mechanism):
		return fmt.Errorf("experiment: access.mechanism is %q: want one of %q", a.Mechanism, mechanisms)
	case a.Mechanism != "" && a.Mechanism != byCertificate && a.User == "":
		return fmt.Errorf("experiment: access.mechanism is %q: want access.user with it, or %s in the environment", a.Mechanism, EnvUser)
	case a.Password != "" && a.User == "":
		return fmt.Errorf("experiment: access.password is given: want access.user with it, or %s in the environment", EnvUser)
	case (a.Cert == "") != (a.Key == ""):
		return errors.New("experiment: access.cert and access.key are files of one pair: want both or neither")
	case !a.TLS && (a.CA != "" || a.Cert != ""):
		return errors.New("experiment: access.ca and access.cert are for TLS: want access.tls: true with them")
	}
	for _, f := range []struct{ field, path string }{{"ca", a.CA}, {"cert", a.Cert}, {"key", a.Key}} {
		if f.path == "" {
			continue
		}
		if _, err := os.Stat(f.path); err != nil {
			return fmt.Errorf("experiment: access.%s: %w", f.field, err)
		}
	}
	return nil
}

// withoutPassword is a ledger's URL as it may be written down, or "" for the ledger that has none. What does not parse is not quoted:
// it may hold a password anywhere.
func withoutPassword(ledger string) (string, error) {
	if ledger == "" {
		return "", nil
	}
	u, err := url.Parse(ledger)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || u.Host == "" && !u.Query().Has("host") ||
		len(u.Path) < 2 || u.User.Username() == "" {
		return "", errors.New("experiment: ledger is no database: want postgres://USER:PASSWORD@HOST/DATABASE, with special characters of the password percent-encoded")
	}
	u.User = url.User(u.User.Username())
	q := u.Query()
	for name := range q {
		if name == "password" || name == "passfile" || name == "sslpassword" {
			q.Del(name)
		}
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}
