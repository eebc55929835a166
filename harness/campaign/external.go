package campaign

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"waybill/harness/experiment"
	"waybill/harness/run"
	"waybill/targets"
)

// dialWithin is how long an address of somebody else's cluster may take to accept a connection.
const dialWithin = 5 * time.Second

// reach is how a spec's cluster is reached.
func reach(t targets.Target, s experiment.Spec) (*targets.Access, error) {
	c, ok := t.(targets.Connector)
	if !ok {
		return nil, fmt.Errorf("campaign: target %s cannot use a cluster that somebody else runs", s.Target)
	}
	if err := s.Access.Check(); err != nil {
		return nil, err
	}
	a := &targets.Access{Brokers: s.Brokers, TLS: s.Access.TLS, Mechanism: s.Access.Mechanism, User: s.Access.User, Password: s.Access.Password}
	if len(s.Brokers) == 0 {
		a.Brokers = c.Addresses()
	}
	return a, errors.Join(absolute(&a.CA, s.Access.CA), absolute(&a.Cert, s.Access.Cert), absolute(&a.Key, s.Access.Key))
}

// absolute is the file's path as clients find it, who have other working folders.
func absolute(to *string, path string) (err error) {
	if path == "" {
		return nil
	}
	if *to, err = filepath.Abs(path); err != nil {
		return fmt.Errorf("campaign: %w", err)
	}
	return nil
}

// meet connects to the cluster that somebody else runs, once, before a run of it begins, and asks what it is. Errors wrap ErrRun, but
// for a version that is not the one asked for.
func (s *Site) meet(ctx context.Context, asked experiment.Spec, log func(format string, args ...any)) error {
	log("connecting to %s", strings.Join(s.Access.Brokers, ", "))
	if err := dialAll(ctx, s.Access.Brokers); err != nil {
		hint := "want the addresses at which its brokers serve clients, with --brokers or in the experiment file"
		if len(asked.Brokers) == 0 {
			hint = fmt.Sprintf("these are the addresses of docker-compose.yml (docker compose --profile %s up --wait); want those of another cluster with --brokers", asked.Target)
		}
		return fmt.Errorf("%w: %w: %s", ErrRun, err, hint)
	}
	ctx, cancel := context.WithTimeout(ctx, run.ConnectWithin)
	defer cancel()
	version, facts, err := introduce(ctx, s.Target, *s.Access)
	if err != nil {
		return fmt.Errorf("%w: the brokers' addresses accept connections, but: %w: want where they serve clients, and the access that they ask for (TLS, user, password)", ErrRun, err)
	}
	switch {
	case version == "":
		version = asked.Version
		if err := CheckVersion(s.Target, version); err != nil {
			return err
		}
	case asked.Version != "" && asked.Version != version:
		return fmt.Errorf("campaign: --version %s is %w here: the cluster says that it is %s: want that, or none", asked.Version, targets.ErrUnsupported, version)
	}
	s.Product = s.Target.Describe(version)
	s.Distribution = targets.Distribution{Version: version, Facts: facts}
	return nil
}

// introduce connects, and asks which version the brokers are, if they tell.
func introduce(ctx context.Context, t targets.Target, a targets.Access) (version string, facts map[string]string, err error) {
	c, err := t.(targets.Connector).Connect(ctx, a)
	if err != nil {
		return "", nil, err
	}
	if r, ok := c.(targets.VersionReporter); ok {
		version, facts, err = r.Versions(ctx)
	}
	return version, facts, errors.Join(err, c.Close())
}

// dialAll opens a connection to each address, and says which cannot be reached and why.
func dialAll(ctx context.Context, addrs []string) error {
	errs := make([]string, len(addrs))
	var all sync.WaitGroup
	for i, addr := range addrs {
		all.Go(func() {
			c, err := (&net.Dialer{Timeout: dialWithin}).DialContext(ctx, "tcp", addr)
			if err != nil {
				errs[i] = "cannot reach " + addr + ": " + unreached(err)
				return
			}
			c.Close()
		})
	}
	all.Wait()
	var said []string
	for _, e := range errs {
		if e != "" {
			said = append(said, e)
		}
	}
	if len(said) == 0 {
		return nil
	}
	return errors.New(strings.Join(said, "; "))
}

// unreached says in a few words why an address cannot be dialled.
func unreached(err error) string {
	var name *net.DNSError
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused, nothing listens there"
	case errors.As(err, &name):
		return fmt.Sprintf("the name %s: %s", name.Name, name.Err)
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("no answer within %v", dialWithin)
	}
	return err.Error()
}
