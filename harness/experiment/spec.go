package experiment

import (
	"fmt"
	"os"
	"time"

	"github.com/goccy/go-yaml"
)

// Spec is what a person asks for, in a file or by flags: everything not said has a default.
type Spec struct {
	Target  string        `yaml:"target"`
	Version string        `yaml:"version"` // of the product; "": the target's default
	Dist    string        `yaml:"dist"`    // an unpacked distribution of the product to use
	Profile string        `yaml:"profile"` // "": for each mode the first that has it; "all"
	Modes   []string      `yaml:"modes"`   // empty: all of the profile; without that, of the first
	Faults  []string      `yaml:"faults"`  // empty: the representative tour; "all": every one; "none"
	Time    time.Duration `yaml:"time"`    // for the episodes; 0: as long as they take
	Seed    uint64        `yaml:"seed"`    // 0: chosen and printed
	Nodes   int           `yaml:"nodes"`
	Load    LoadSpec      `yaml:"load"`

	FastHeal bool `yaml:"fastHeal"`
	Proxy    bool `yaml:"proxy"` // faults of frames act in a proxy beside each client, not in its own dialer

	Cluster string     `yaml:"cluster"` // "lab" (the default), or "external": one that somebody else runs
	Brokers []string   `yaml:"brokers"` // addresses of an external cluster; none: where docker-compose.yml puts it
	Access  AccessSpec `yaml:"access"`  // to an external cluster
	Ledger  string     `yaml:"ledger"`  // postgres://USER:PASSWORD@HOST/DATABASE of the effect ledger; "": SQLite

	Plant map[string]float64 `yaml:"plant"` // bugs to start the brokers with → share of messages that each harms; see Planted
}

// Clusters that a Spec may name.
const (
	Lab      = "lab"
	External = "external"
)

// AccessSpec is how an external cluster is reached. It is never written to a run directory.
type AccessSpec struct {
	TLS       bool   `yaml:"tls"`
	CA        string `yaml:"ca"` // file
	Cert      string `yaml:"cert"`
	Key       string `yaml:"key"`
	Mechanism string `yaml:"mechanism"`
	User      string `yaml:"user"`
	Password  string `yaml:"password"`
}

// LoadSpec is the part of Load that a person may choose.
type LoadSpec struct {
	Rate       float64       `yaml:"rate"`
	Size       int           `yaml:"size"`
	Keys       int           `yaml:"keys"`
	Producers  int           `yaml:"producers"`
	Consumers  int           `yaml:"consumers"`
	Processing time.Duration `yaml:"processing"`
}

// DefaultSpec is what `waybill test` does when nothing is asked for.
func DefaultSpec() Spec {
	return Spec{Target: "nats", Nodes: 3, Load: LoadSpec{Rate: 200, Size: 128, Keys: 16, Producers: 2, Consumers: 2, Processing: 2 * time.Millisecond}}
}

// ReadSpec reads an experiment file over the defaults. Errors name the file, the line and the column, and show the line.
func ReadSpec(path string) (Spec, error) {
	s := DefaultSpec()
	b, err := os.ReadFile(path)
	if err != nil {
		return s, fmt.Errorf("experiment: %w", err)
	}
	if err := decode(b, &s); err != nil {
		return s, fmt.Errorf("experiment: %s: %w", path, err)
	}
	if s.Load == (LoadSpec{}) {
		s.Load = DefaultSpec().Load // "load:" with nothing under it asks for nothing
	}
	return s, nil
}

// ReadSchedule reads a schedule file, as a run directory holds one.
func ReadSchedule(path string) (Schedule, error) {
	var s Schedule
	b, err := os.ReadFile(path)
	if err != nil {
		return s, fmt.Errorf("experiment: schedule: %w", err)
	}
	if err := decode(b, &s); err != nil {
		return s, fmt.Errorf("experiment: schedule %s: %w", path, err)
	}
	for i := range s.Episodes {
		if s.Episodes[i].Fault == "" {
			return s, fmt.Errorf("experiment: schedule %s: episode %d names no fault", path, i+1)
		}
		s.Episodes[i].Number = i + 1
	}
	return s, nil
}

func decode(b []byte, into any) (err error) {
	// The parser indexes into its input in many places; bytes from elsewhere must never end the program.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("not YAML that can be parsed: %v", p)
		}
	}()
	var says any
	if err := yaml.Unmarshal(b, &says); err == nil && says == nil {
		return nil // a file of nothing, or of comments, asks for the defaults
	}
	if err := yaml.UnmarshalWithOptions(b, into, yaml.Strict()); err != nil {
		return fmt.Errorf("%s", yaml.FormatError(err, false, true))
	}
	return nil
}
