package experiment

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"waybill/harness/semantics"
)

// Null is the target that is no broker: the harness against nothing, in one process.
const Null = "null"

// Phases that a BenchSpec may name.
const (
	Saturation = "saturation"
	Latency    = "latency"
	Windows    = "window"
	Cost       = "cost"
	Ceiling    = "ceiling"
)

// phases in the order they are described in.
func phases() []string { return []string{Saturation, Latency, Windows, Cost, Ceiling} }

// BenchSpec is what a person asks of a benchmark, in a file or by flags. What is not said, or said to be nothing, is filled in by Complete.
type BenchSpec struct {
	Targets []string      `yaml:"targets"` // none: nats
	Version string        `yaml:"version"` // of the one product
	Dist    string        `yaml:"dist"`    // an unpacked distribution of it to use
	Profile string        `yaml:"profile"` // as in a Spec
	Modes   []string      `yaml:"modes"`   // each is run for every target that has it; none: as in a Spec, but for modes made to go wrong
	Phases  []string      `yaml:"phases"`  // none: all but window
	Blocks  int           `yaml:"blocks"`
	Quick   bool          `yaml:"quick"` // three blocks, short measurements, one offered load
	Measure time.Duration `yaml:"measure"`
	Warm    time.Duration `yaml:"warm"` // at most
	Load    BenchLoad     `yaml:"load"`
	Shares  []float64     `yaml:"shares"`  // of a mode's saturation, offered in the phase latency
	Windows []int         `yaml:"windows"` // in the phase window, beside load.window
	Commits []int         `yaml:"commits"` // in the phase window, of transactional modes
	NoRival bool          `yaml:"noRival"` // without the products' own benchmark tools
	Seed    uint64        `yaml:"seed"`    // 0: chosen and printed
	Plant   NullPlant     `yaml:"plant"`   // in the target null
}

// BenchLoad is what the clients of every arm do.
type BenchLoad struct {
	Size      int `yaml:"size"`
	Window    int `yaml:"window"` // messages of one producer without an outcome
	Batch     int `yaml:"batch"`  // deliveries received at once, at most
	Producers int `yaml:"producers"`
	Consumers int `yaml:"consumers"`
}

// NullPlant is what the null target does on purpose.
type NullPlant struct {
	Slow  float64       `yaml:"slow"`  // share of its throughput that an arm of its own does without
	Pause time.Duration `yaml:"pause"` // for which the broker of the latency arms stands still, in the middle of the measurement
}

// benchKeys is how many keys messages have, and so among how many a broker may order them.
const benchKeys = 64

// benchConfirm is how long a producer waits before it calls an attempt unknown: longer than in a test, since a full window on a slow
// disk takes seconds to be answered, and that is what is to be measured.
const benchConfirm = 10 * time.Second

// ReadBench reads a file with a BenchSpec. Errors name the file, the line and the column, and show the line.
func ReadBench(path string) (BenchSpec, error) {
	var s BenchSpec
	b, err := os.ReadFile(path)
	if err != nil {
		return s, fmt.Errorf("experiment: %w", err)
	}
	if err := decode(b, &s); err != nil {
		return s, fmt.Errorf("experiment: %s: %w", path, err)
	}
	return s, nil
}

// Complete fills in what was not said, then checks everything that can be without knowing the targets.
func (s BenchSpec) Complete() (BenchSpec, error) {
	if len(s.Targets) == 0 {
		s.Targets = []string{"nats"}
	}
	if len(s.Phases) == 0 {
		s.Phases = []string{Saturation, Latency, Cost, Ceiling}
	}
	if slices.Equal(s.Phases, []string{"all"}) {
		s.Phases = phases()
	}
	blocks, measure, shares := 10, 3*time.Second, []float64{0.1, 0.5, 0.8}
	if s.Quick {
		blocks, measure, shares = 3, 1500*time.Millisecond, []float64{0.5}
	}
	s.Blocks, s.Measure, s.Warm = cmp.Or(s.Blocks, blocks), cmp.Or(s.Measure, measure), cmp.Or(s.Warm, 5*time.Second)
	for _, x := range []struct {
		list *[]int
		or   []int
	}{{&s.Windows, []int{16, 128}}, {&s.Commits, []int{1, 16}}} {
		if len(*x.list) == 0 {
			*x.list = x.or
		}
	}
	if len(s.Shares) == 0 {
		s.Shares = shares
	}
	s.Load = BenchLoad{Size: cmp.Or(s.Load.Size, 128), Window: cmp.Or(s.Load.Window, 1024), Batch: cmp.Or(s.Load.Batch, 1024),
		Producers: cmp.Or(s.Load.Producers, 2), Consumers: cmp.Or(s.Load.Consumers, 2)}
	return s, s.check()
}

func (s BenchSpec) check() error {
	type check struct {
		ok        bool
		what, got string
		want      string
	}
	within := func(n, low, high int) bool { return n >= low && n <= high }
	checks := []check{
		{within(s.Blocks, 1, 1000), "blocks", fmt.Sprint(s.Blocks), "1 to 1000; ten or more for narrow intervals, six for any"},
		{s.Measure >= 100*time.Millisecond && s.Measure <= time.Hour, "measure", s.Measure.String(), "100ms to 1h"},
		{s.Warm >= 100*time.Millisecond && s.Warm <= time.Hour, "warm", s.Warm.String(), "100ms to 1h, the longest that a warm-up may take"},
		{within(s.Load.Size, 1, 1<<20), "load.size", fmt.Sprint(s.Load.Size), "1 to 1048576 bytes"},
		{within(s.Load.Window, 1, 1<<20), "load.window", fmt.Sprint(s.Load.Window), "1 to 1048576 messages of one producer"},
		{within(s.Load.Batch, 1, 1<<16), "load.batch", fmt.Sprint(s.Load.Batch), "1 to 65536 deliveries"},
		{within(s.Load.Producers, 1, 32), "load.producers", fmt.Sprint(s.Load.Producers), "1 to 32"},
		{within(s.Load.Consumers, 1, 32), "load.consumers", fmt.Sprint(s.Load.Consumers), "1 to 32"},
		{s.Plant.Slow >= 0 && s.Plant.Slow < 1, "plant.slow", fmt.Sprint(s.Plant.Slow), "a share of the throughput, 0 to below 1"},
		{s.Plant.Pause >= 0 && s.Plant.Pause < s.Measure, "plant.pause", s.Plant.Pause.String(), "a time shorter than measure, which is " + s.Measure.String()},
	}
	for i, x := range s.Shares {
		checks = append(checks, check{x > 0 && x <= 1.5, fmt.Sprintf("shares[%d]", i), fmt.Sprint(x), "above 0, to 1.5, as in 0.5 for half of a mode's saturation"})
	}
	for i, x := range s.Windows {
		checks = append(checks, check{within(x, 1, 1<<20), fmt.Sprintf("windows[%d]", i), fmt.Sprint(x), "1 to 1048576 messages of one producer"})
	}
	for i, x := range s.Commits {
		checks = append(checks, check{within(x, 1, 1<<12), fmt.Sprintf("commits[%d]", i), fmt.Sprint(x), "1 to 4096 batches in a transaction"})
	}
	for i, x := range s.Phases {
		checks = append(checks, check{slices.Contains(phases(), x), fmt.Sprintf("phases[%d]", i), strconv.Quote(x), "one of " + strings.Join(phases(), ", ") + ", or all alone"})
	}
	for _, x := range checks {
		if !x.ok {
			return fmt.Errorf("experiment: %s is %s: want %s", x.what, x.got, x.want)
		}
	}
	return s.checkNames()
}

// checkNames refuses what is named twice, and what contradicts itself.
func (s BenchSpec) checkNames() error {
	for what, list := range map[string][]string{"targets": s.Targets, "modes": s.Modes, "phases": s.Phases} {
		if x := twice(list); x != "" {
			return fmt.Errorf("experiment: %s names %s twice: want it once; the same arm under two names runs along without being asked for", what, x)
		}
	}
	for what, list := range map[string][]int{"windows": s.Windows, "commits": s.Commits} {
		if twiceIn(list) {
			return fmt.Errorf("experiment: %s has a value twice: want each once", what)
		}
	}
	if twiceIn(s.Shares) {
		return fmt.Errorf("experiment: shares has a value twice: want each once")
	}
	for what, got := range map[string]string{"version": s.Version, "dist": s.Dist} {
		if got != "" && len(s.Targets) > 1 {
			return fmt.Errorf("experiment: %s %s: of which? want one target with it, got %s", what, got, strings.Join(s.Targets, ", "))
		}
	}
	null := slices.Contains(s.Targets, Null)
	switch {
	case null && len(s.Targets) > 1:
		return fmt.Errorf("experiment: target %s with others: want it alone; it runs along in the phase %s", Null, Ceiling)
	case null && len(s.Modes) > 0:
		return fmt.Errorf("experiment: target %s has no modes to choose from, got %s", Null, strings.Join(s.Modes, ", "))
	case !null && s.Plant != (NullPlant{}):
		return fmt.Errorf("experiment: plant is for the target %s: nothing can be planted in a product", Null)
	}
	return nil
}

func twice(list []string) string {
	for i, x := range list {
		if slices.Contains(list[:i], x) {
			return x
		}
	}
	return ""
}

func twiceIn[T comparable](list []T) bool {
	for i, x := range list {
		if slices.Contains(list[:i], x) {
			return true
		}
	}
	return false
}

// Has reports whether a phase was asked for.
func (s BenchSpec) Has(phase string) bool { return slices.Contains(s.Phases, phase) }

// ModesOf is the modes of one of the targets that are to be measured, in the product's order. A mode that no target has is an error of
// whoever knows them all; this one is told what the product has.
func (s BenchSpec) ModesOf(p Product) ([]semantics.Mode, error) {
	asked := Spec{Profile: s.Profile}
	for _, m := range s.Modes {
		if slices.ContainsFunc(p.Modes, func(x semantics.Mode) bool { return x.Name == m }) {
			asked.Modes = append(asked.Modes, m)
		}
	}
	if len(s.Modes) > 0 && len(asked.Modes) == 0 {
		asked.Modes = s.Modes[:1] // none is its own: the error lists those that are
	}
	modes, err := choose(asked, p)
	if len(s.Modes) > 0 || err != nil {
		return modes, err
	}
	fit := slices.DeleteFunc(modes, func(m semantics.Mode) bool { return m.Traits.Astray })
	if len(fit) == 0 {
		return nil, fmt.Errorf("experiment: all modes of %s with profile %q are made to go wrong: want those to measure by name", p.Name, s.Profile)
	}
	return fit, nil
}

// Replicate is one run of a benchmark as an experiment: one lane, brokers as the product has them, and limits for a load that may leave
// much to drain.
func (s BenchSpec) Replicate(p Product, m semantics.Mode, load Load, run string) Experiment {
	load.Keys, load.Confirm = benchKeys, benchConfirm
	return Experiment{
		Run: run, Target: p.Name, Profile: m.Profile, Version: p.Version, Seed: s.Seed, Nodes: DefaultSpec().Nodes, Extra: p.Extra[m.Profile], Settings: p.Settings,
		Lanes: []Lane{{Name: m.Name, Queue: strings.ReplaceAll(m.Name, "-", "_") + "_" + run, Mode: m, Producers: s.Load.Producers, Consumers: s.Load.Consumers}},
		Load:  load,
		Limits: Limits{Start: 2 * time.Minute, Trigger: 5 * time.Second, Heal: 30 * time.Second, Sync: 2 * time.Minute,
			Settle: max(2*time.Second, p.Redelivery) + 500*time.Millisecond, Quiesce: 30 * time.Second, Drain: 3 * time.Minute},
	}
}
