package nemesis

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"time"

	"waybill/harness/semantics"
)

// Fault is one kind of harm, as data.
type Fault struct {
	Name    string // "kill-leader"
	Summary string // one line for a list
	Plan    string // who is struck and after which trigger, in words: {param} is replaced by a parameter's value
	Params  []Param
	Tour    bool // in the representative tour that runs by default
	Frames  bool // it does something to single frames: clients' connections must be filtered
	Last    bool // brokers may need minutes to be in sync again, though they serve: comes last in a schedule

	// Length is how long the harm lasts, from strike to recovery.
	Length func(t Timing, args Args) time.Duration
	// Again is what striking several times in a row adds to Length, about; nil: nothing.
	Again func(args Args) time.Duration
	// Here says why the fault cannot be had in a place; nil, or "" from it: it can.
	Here func(p Place, args Args) string
	// Spares says why the fault cannot touch a stage of a mode, known beforehand; "" if it can.
	Spares func(m semantics.Mode, s semantics.Stage) string
	// New resolves victims. An error says why the fault cannot be had here.
	New func(rng *rand.Rand, v View, args Args) (Action, error)
}

// Param is something about a fault that may be chosen: "of" in kill-leader:of=consumer.
type Param struct {
	Name    string
	Values  []string // allowed; the first is the default
	Meaning string
	Tour    bool // each value is a fault of its own in the full tour
	// Check says what is wrong with a value that is not among Values; nil: only those are allowed.
	Check func(value string) error
}

// allows says what is wrong with a value.
func (p Param) allows(value string) error {
	switch {
	case slices.Contains(p.Values, value):
		return nil
	case p.Check != nil:
		return p.Check(value)
	}
	return fmt.Errorf("want one of %s", strings.Join(p.Values, ", "))
}

// Args are the values of a fault's parameters, defaults filled in.
type Args map[string]string

// Timing is what a fault's length depends on, as the target states it.
type Timing struct {
	Detection  time.Duration // of a dead node by its peers
	Redelivery time.Duration // of a delivery never acknowledged
	Election   time.Duration // of a new leader, at most, usually
	Confirm    time.Duration // after which a producer calls an attempt unknown

	Answer      time.Duration // which a client library waits beyond Confirm before it gives up a connection; 0: it does not
	Transaction time.Duration // after which a processor has given up on the end of a transaction; 0: there are none
}

// Exposure is what a fault saw of its own bite.
type Exposure struct {
	Bit   bool   // it took effect, on something in flight
	Count int64  // of what Text says
	Text  string // in words: "held 9 deliveries on jetstream-c1"
}

// Action is a fault with its victims chosen. The calls come in the order of the methods, from one goroutine; after an error
// only Recover and Verify are called. Recover is idempotent.
type Action interface {
	// Victims names hosts and links, resolved.
	Victims() string
	// Arm prepares (leaders moved, clients pinned) and waits until something is in flight at the victims, at most for the trigger limit.
	Arm(ctx context.Context) error
	Inject(ctx context.Context) error
	// Observe looks at process states, sockets and packet counters, never at what was asked for.
	Observe(ctx context.Context) (Exposure, error)
	Recover(ctx context.Context) error
	Verify(ctx context.Context) error
}

var registered = map[string]Fault{}

// Register adds a fault. It panics on a name registered twice. Call it from init.
func Register(f Fault) {
	if _, twice := registered[f.Name]; twice {
		panic(fmt.Sprintf("nemesis: %q is registered twice", f.Name))
	}
	registered[f.Name] = f
}

// Names lists all faults in order.
func Names() []string {
	var names []string
	for n := range registered {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// Find parses a fault with parameters, "kill-leader:of=consumer", and returns it with its arguments.
func Find(spec string) (Fault, Args, error) {
	name, rest, _ := strings.Cut(spec, ":")
	f, ok := registered[name]
	if !ok {
		return Fault{}, nil, fmt.Errorf("nemesis: no fault %q: want one of %s", name, strings.Join(Names(), ", "))
	}
	args := Args{}
	for _, p := range f.Params {
		args[p.Name] = p.Values[0]
	}
	if rest == "" {
		return f, args, nil
	}
	for _, kv := range strings.Split(rest, ":") {
		k, v, _ := strings.Cut(kv, "=")
		p, ok := f.param(k)
		if !ok {
			return Fault{}, nil, fmt.Errorf("nemesis: fault %s has no parameter %q%s", name, k, f.paramHint())
		}
		if err := p.allows(v); err != nil {
			return Fault{}, nil, fmt.Errorf("nemesis: %s:%s=%q: %w", name, k, v, err)
		}
		args[k] = v
	}
	return f, args, nil
}

func (f Fault) param(name string) (Param, bool) {
	for _, p := range f.Params {
		if p.Name == name {
			return p, true
		}
	}
	return Param{}, false
}

func (f Fault) paramHint() string {
	if len(f.Params) == 0 {
		return ": it has none"
	}
	var names []string
	for _, p := range f.Params {
		names = append(names, p.Name+"="+strings.Join(p.Values, "|"))
	}
	return ": want " + strings.Join(names, ", ")
}

// words is the plan with the arguments put in.
func (f Fault) words(args Args) string {
	s := f.Plan
	for k, v := range args {
		s = strings.ReplaceAll(s, "{"+k+"}", v)
	}
	return s
}
