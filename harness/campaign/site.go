package campaign

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"waybill/harness/experiment"
	"waybill/harness/run"
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
		return site, site.meet(ctx, s, log)
	}
	if site.Distribution, err = Fetch(ctx, s.Target, s.Version, s.Dist, log); err != nil {
		return site, err
	}
	site.Product = site.Target.Describe(site.Distribution.Version)
	return site, nil
}

// ErrProvision says that what brokers need could not be found or fetched on this machine, as it is now.
var ErrProvision = errors.New("what the target needs cannot be had")

// Fetch finds or fetches a product, telling log as it goes, and says what it found. Version and dist may be empty. Errors wrap ErrProvision
// but for a target that there is not, and for what it cannot run (targets.ErrUnsupported): these are mistakes of whoever asked.
func Fetch(ctx context.Context, target, version, dist string, log func(format string, args ...any)) (targets.Distribution, error) {
	t, err := find(target)
	if err != nil {
		return targets.Distribution{}, err
	}
	d, err := t.Provision(ctx, targets.Provisioning{Cache: filepath.Join(cacheDir(), target), Version: version, Dist: dist, Log: log})
	return d, blamed(err)
}

// blamed wraps ErrProvision around what went wrong, unless whoever asked is to blame.
func blamed(err error) error {
	if err == nil || errors.Is(err, targets.ErrUnsupported) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrProvision, err)
}

func find(target string) (targets.Target, error) {
	t, ok := targets.Find(target)
	if !ok {
		return nil, fmt.Errorf("campaign: no target %q: want one of %s", target, strings.Join(targets.Names(), ", "))
	}
	return t, nil
}

// CheckVersion refuses a version that the target cannot run; "" is the one it gets by default. The error wraps targets.ErrUnsupported.
func CheckVersion(t targets.Target, version string) error {
	if c, ok := t.(targets.VersionChecker); ok && version != "" {
		return c.CheckVersion(version)
	}
	return nil
}

// describe is the site as far as it is known without fetching anything.
func describe(s experiment.Spec) (Site, error) {
	t, err := find(s.Target)
	if err != nil {
		return Site{}, err
	}
	site := Site{Target: t, Product: t.Describe(s.Version), Ledger: s.Ledger}
	if s.Cluster != experiment.External {
		return site, CheckVersion(t, s.Version)
	}
	access, err := reach(t, s)
	site.Access = access
	return site, err
}

// place is what faults may count on here. The machine is asked about its disks only if one of these faults needs to know.
func (s Site) place(faults []string) (nemesis.Place, error) {
	own := s.Access == nil
	p := nemesis.Place{Brokers: own, Network: own, Leaders: s.Product.Leaders, Frames: s.Product.Protocol}
	for _, f := range faults {
		needs, err := nemesis.NeedsDisks(f)
		if err != nil {
			return p, err
		}
		if needs && own {
			p.Disks = run.DisksHere(context.Background())
			return p, nil
		}
	}
	return p, nil
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
