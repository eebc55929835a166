package serve

import (
	"encoding/json"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"waybill/harness/semantics"
	"waybill/results"
	"waybill/results/bench"
)

// Bench is what the list says of one benchmark.
type Bench struct {
	Path    string
	State   State
	Targets []string // with their versions
	Modes   []string
	Blocks  int
	Quick   bool
	Seed    uint64
	Started time.Time
	Repeat  string // the command that makes it again
	Done    int    // replicates, of Planned
	Planned int
	Result  semantics.Result // the worst of its replicates
	Warning string           // the first grave one
	Figure  picture          // of the cost
	Trouble string
}

// Names of what lies in a benchmark's directory.
const (
	planFile       = "bench.yaml"
	replicatesFile = "replicates.jsonl"
	summaryFile    = "summary.json"
)

// bench is what is known of the benchmark at a path; ok is false where there is none.
func (x *index) bench(at string) (b Bench, dir string, ok bool) {
	k, stamp := x.is(at)
	if k != aBench {
		return Bench{}, "", false
	}
	b = remembered(x, x.benches, at, stamp, func() Bench { return x.readBench(at) })
	if b.State != Judged && b.Trouble == "" {
		x.progress(&b) // replicates are appended to one file, which the folder's stamp does not tell
	}
	return b, x.path(at), true
}

func (x *index) readBench(at string) Bench {
	b := Bench{Path: at, State: Stopped}
	if err := x.whole(at)(planFile, replicatesFile, summaryFile, "plots"); err != nil {
		b.Trouble = err.Error()
		return b
	}
	p, err := bench.Dir(x.path(at)).LoadPlan()
	if err != nil {
		b.Trouble = err.Error()
		return b
	}
	// It is the same file as a run directory's. Without it the benchmark is listed all the same.
	if m, err := results.Dir(x.path(at)).LoadManifest(); err == nil {
		b.Started, b.Repeat = m.Started, m.Repeat()
	}
	b.Blocks, b.Quick, b.Seed = p.Blocks, p.Quick, p.Seed
	for _, order := range p.Order {
		b.Planned += len(order)
	}
	for _, t := range p.Targets {
		b.Targets = append(b.Targets, strings.TrimSpace(t.Name+" "+t.Version))
		for _, m := range t.Modes {
			if !slices.Contains(b.Modes, m.Name) {
				b.Modes = append(b.Modes, m.Name)
			}
		}
	}
	x.progress(&b)
	if s, err := x.root.Lstat(path.Join(at, summaryFile)); err == nil && s.Mode().IsRegular() {
		b.State = Judged
		b.Warning = x.warning(at)
	}
	b.Figure = x.figure(at)
	return b
}

// progress counts the replicates so far, and takes the worst of their verdicts.
func (x *index) progress(b *Bench) {
	at := path.Join(b.Path, replicatesFile)
	b.Done, b.Result, b.State = 0, "", Stopped
	var last time.Time
	if s, err := x.root.Lstat(b.Path); err == nil {
		last = s.ModTime()
	}
	if s, err := x.root.Lstat(at); err == nil && s.ModTime().After(last) {
		last = s.ModTime()
	}
	if time.Since(last) < benchAliveWithin {
		b.State = Running
	}
	rs, err := bench.Dir(x.path(b.Path)).LoadReplicates()
	if err != nil {
		b.Trouble = err.Error() // and what was read until there counts
	}
	for _, r := range rs {
		if r.Block > 0 { // else it is of the search
			b.Done++
			b.Result = worse(b.Result, r.Verdict.Result)
		}
	}
}

// benchAliveWithin is how long ago a benchmark in progress has ended a replicate, at most. Brokers of a target may take a while to come up.
const benchAliveWithin = 3 * time.Minute

// worse is the one of two results that a reader must know of; "" is of what was not audited.
func worse(a, b semantics.Result) semantics.Result {
	order := []semantics.Result{"", semantics.Kept, semantics.Inconclusive, semantics.Broken}
	if slices.Index(order, b) > slices.Index(order, a) {
		return b
	}
	return a
}

// warning is the first of those that a summary puts on top.
func (x *index) warning(at string) string {
	text, err := x.root.ReadFile(path.Join(at, summaryFile))
	if err != nil {
		return err.Error()
	}
	var s struct{ Warnings []bench.Warning }
	if err := json.Unmarshal(text, &s); err != nil {
		return "summary.json cannot be read: " + err.Error()
	}
	for _, w := range s.Warnings {
		if w.Grave {
			return w.Text
		}
	}
	return ""
}

// picture is a figure's files below a benchmark's directory; "" where there is none.
type picture struct{ Light, Dark string }

// pictures brings the drawings among files together, a figure's two themes as one.
func pictures(names []string) (ps []picture) {
	for _, name := range names {
		if !strings.HasSuffix(name, ".svg") || strings.HasSuffix(name, "-dark.svg") {
			continue
		}
		p := picture{Light: name}
		if dark := strings.TrimSuffix(strings.TrimSuffix(name, ".svg"), "-light") + "-dark.svg"; slices.Contains(names, dark) {
			p.Dark = dark
		}
		ps = append(ps, p)
	}
	return ps
}

// figure is the figure of what guarantees cost: the list shows it.
func (x *index) figure(at string) picture {
	entries, err := fs.ReadDir(x.root.FS(), path.Join(at, "plots"))
	if err != nil {
		return picture{}
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() && strings.HasPrefix(e.Name(), "cost") {
			names = append(names, path.Join("plots", e.Name()))
		}
	}
	for _, p := range pictures(names) {
		return p
	}
	return picture{}
}

// targetOf is the name in a target with its version.
func targetOf(t string) string {
	name, _, _ := strings.Cut(t, " ")
	return name
}

// below reports whether a file or folder lies in a benchmark's directory.
func (b Bench) below(at string) bool { return strings.HasPrefix(at, b.Path+"/") }
