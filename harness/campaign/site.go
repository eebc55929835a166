package campaign

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"waybill/harness/experiment"
	"waybill/nemesis"
	"waybill/targets"
)

// Site is where plans are carried out: the product, as it was found or fetched, or somebody else's cluster of it.
type Site struct {
	Target       targets.Target
	Product      targets.Description
	Distribution targets.Distribution
	Access       *targets.Access // nil: the harness runs the brokers
	Ledger       string          // database of the effect ledger, with its password; "": SQLite
}

// Provision finds the target that a spec names and fetches what it needs, telling log as it goes. What is wrong with the rest of the
// spec is found before anything is fetched.
func Provision(ctx context.Context, s experiment.Spec, log func(format string, args ...any)) (Site, error) {
	if s.Cluster == experiment.External {
		s.Access = s.Access.FromEnvironment(os.Getenv)
	}
	site, err := describe(s)
	if err != nil {
		return site, err
	}
	if _, err := site.Resolve(s, nil); err != nil {
		return site, err
	}
	if site.Access != nil {
		return site, nil
	}
	if site.Distribution, err = Fetch(ctx, s.Target, s.Version, s.Dist, log); err != nil {
		return site, err
	}
	site.Product = site.Target.Describe(site.Distribution.Version)
	return site, nil
}

// Fetch finds or fetches a product, telling log as it goes, and says what it found. Version and dist may be empty. Errors wrap ErrRun but
// for a target that there is not.
func Fetch(ctx context.Context, target, version, dist string, log func(format string, args ...any)) (targets.Distribution, error) {
	t, err := find(target)
	if err != nil {
		return targets.Distribution{}, err
	}
	d, err := t.Provision(ctx, targets.Provisioning{Cache: filepath.Join(cacheDir(), target), Version: version, Dist: dist, Log: log})
	if err != nil {
		return d, fmt.Errorf("%w: provision %s: %w", ErrRun, target, err)
	}
	return d, nil
}

func find(target string) (targets.Target, error) {
	t, ok := targets.Find(target)
	if !ok {
		return nil, fmt.Errorf("campaign: no target %q: want one of %s", target, strings.Join(targets.Names(), ", "))
	}
	return t, nil
}

// describe is the site as far as it is known without fetching anything.
func describe(s experiment.Spec) (Site, error) {
	t, err := find(s.Target)
	if err != nil {
		return Site{}, err
	}
	site := Site{Target: t, Product: t.Describe(s.Version), Ledger: s.Ledger}
	if s.Cluster != experiment.External {
		return site, nil
	}
	c, ok := t.(targets.Connector)
	if !ok {
		return site, fmt.Errorf("campaign: target %s cannot use a cluster that somebody else runs", s.Target)
	}
	if err := s.Access.Check(); err != nil {
		return site, err
	}
	site.Access = &targets.Access{Brokers: s.Brokers, TLS: s.Access.TLS, Mechanism: s.Access.Mechanism,
		User: s.Access.User, Password: s.Access.Password}
	if len(s.Brokers) == 0 {
		site.Access.Brokers = c.Addresses()
	}
	return site, errors.Join(absolute(&site.Access.CA, s.Access.CA), absolute(&site.Access.Cert, s.Access.Cert), absolute(&site.Access.Key, s.Access.Key))
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

// place is what faults may count on here.
func (s Site) place() nemesis.Place {
	own := s.Access == nil
	return nemesis.Place{Brokers: own, Network: own, Leaders: s.Product.Leaders}
}

// cacheDir is where distributions are kept between runs.
func cacheDir() string {
	base, err := os.UserCacheDir()
	if err != nil {
		base = os.TempDir()
	}
	return filepath.Join(base, "waybill")
}

// errRefused says that a fault was asked for by name and cannot be had.
var errRefused = errors.New("campaign: a fault that was asked for cannot be had here")
