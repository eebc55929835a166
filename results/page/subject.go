package page

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"waybill/harness/semantics"
	"waybill/results"
	"waybill/results/bench"
	"waybill/results/look"
	"waybill/results/plot"
)

// subject is what is compared: a benchmark, or all test runs of one product in one version, with one profile and the same settings.
type subject struct {
	Name     string
	Baseline bool
	Runs     []Run
	Bench    *Measured
	facts    []fact
}

// fact is something that is known of a subject before anything was measured. Of names a kind of subjects, such as a product, that alone has
// such a fact; "": all have it.
type fact struct{ Name, Value, Of string }

// subjects brings runs of one kind together; names are told apart where they would be the same.
func subjects(c Comparison) (all []subject) {
	for _, r := range c.Runs {
		facts := runFacts(r)
		at := slices.IndexFunc(all, func(s subject) bool {
			return s.Baseline == r.Baseline && s.Runs[0].Verdict.Target == r.Verdict.Target && slices.Equal(s.facts, facts)
		})
		if at < 0 {
			at = len(all)
			all = append(all, subject{Name: nameOf(r), Baseline: r.Baseline, facts: facts})
		}
		all[at].Runs = append(all[at].Runs, r)
	}
	for i := range c.Benches {
		b := &c.Benches[i]
		all = append(all, subject{Name: "bench " + productsOf(b.Summary.Plan), Baseline: b.Baseline, Bench: b, facts: benchFacts(*b)})
	}
	seen := map[string]int{}
	for _, s := range all {
		seen[s.Name]++
	}
	nth := map[string]int{}
	for i := range all {
		name := all[i].Name
		if seen[name] > 1 {
			nth[name]++
			all[i].Name = fmt.Sprintf("%s (%c)", name, 'A'+rune((nth[name]-1)%26))
		}
	}
	return all
}

func nameOf(r Run) string {
	name := strings.TrimSpace(r.Verdict.Target + " " + versionOf(r.Experiment.Version, r.Manifest.Version))
	if p := r.Verdict.Profile; p != "" && p != "default" {
		name += " " + p
	}
	return name
}

func versionOf(versions ...string) string {
	for _, v := range versions {
		if v != "" {
			return v
		}
	}
	return ""
}

// What a fact is of, beside products.
const (
	ofTests   = "test under faults"
	ofBenches = "benchmark"
)

func runFacts(r Run) []fact {
	e := r.Experiment
	facts := []fact{
		{"kind", ofTests, ""}, {"product", r.Verdict.Target, ofTests}, {"version", versionOf(e.Version, r.Manifest.Version), ofTests}, {"profile", r.Verdict.Profile, ofTests},
		{"brokers", fmt.Sprint(e.Nodes), ofTests},
		{"load", fmt.Sprintf("%g messages a second and lane, %d bytes, %d keys", e.Load.Rate, e.Load.Size, e.Load.Keys), ofTests},
		{"planted bugs", strings.Join(slices.Sorted(maps.Keys(e.Plant)), ", "), ofTests},
	}
	facts = append(facts, machineFacts(r.Manifest)...)
	for _, name := range slices.Sorted(maps.Keys(e.Settings)) {
		facts = append(facts, fact{r.Verdict.Target + ": " + name, e.Settings[name], r.Verdict.Target})
	}
	return facts
}

func benchFacts(b Measured) []fact {
	p := b.Summary.Plan
	facts := []fact{{"kind", ofBenches, ""}}
	for _, t := range p.Targets {
		facts = append(facts, fact{"bench: version of " + t.Name, t.Version, ofBenches}, fact{"bench: brokers of " + t.Name, fmt.Sprint(t.Nodes), ofBenches})
	}
	loads := map[string]bool{}
	for _, a := range p.Arms {
		loads[fmt.Sprintf("%d bytes, %s, %s", a.Size, look.Plural(int64(a.Producers), "producer"), look.Plural(int64(a.Consumers), "consumer"))] = true
	}
	facts = append(facts, fact{"bench: blocks", fmt.Sprint(p.Blocks), ofBenches}, fact{"bench: measured for", p.Measure.String(), ofBenches},
		fact{"bench: load", strings.Join(slices.Sorted(maps.Keys(loads)), "; "), ofBenches})
	return append(facts, machineFacts(b.Manifest)...)
}

// productsOf names the targets of a plan with their versions.
func productsOf(p bench.Plan) string {
	var names []string
	for _, t := range p.Targets {
		names = append(names, strings.TrimSpace(t.Name+" "+t.Version))
	}
	return strings.Join(names, ", ")
}

func machineFacts(m results.Manifest) []fact {
	built := m.Waybill
	if m.Revision != "" {
		built += " " + m.Revision[:min(12, len(m.Revision))]
	}
	return []fact{{"Waybill", built, ""}, {"machine", machine(m.Host), ""}}
}

// difference is a fact that is not the same in all subjects.
type difference struct {
	Name   string
	Values []string // of each subject
}

// differences splits facts into those that differ and those that are the same in all subjects that have them at all.
func differences(all []subject) (differ []difference, same []string) {
	type about struct{ name, of string }
	var abouts []about
	for _, s := range all {
		for _, f := range s.facts {
			if a := (about{f.Name, f.Of}); !slices.Contains(abouts, a) {
				abouts = append(abouts, a)
			}
		}
	}
	for _, a := range abouts {
		d := difference{Name: a.name}
		values := map[string]bool{}
		for _, s := range all {
			at := slices.IndexFunc(s.facts, func(f fact) bool { return f.Name == a.name && f.Of == a.of })
			value := ""
			if at >= 0 {
				value = s.facts[at].Value
			}
			if at >= 0 || s.concerns(a.of) {
				values[value] = true
			}
			d.Values = append(d.Values, value)
		}
		if len(values) > 1 {
			differ = append(differ, d)
			continue
		}
		for value := range values {
			if value != "" {
				same = append(same, d.Name+": "+value)
			}
		}
	}
	return differ, same
}

// concerns reports whether facts of a kind of subjects could be facts of this one.
func (s subject) concerns(of string) bool {
	return of == "" || slices.ContainsFunc(s.facts, func(f fact) bool { return f.Of == of })
}

// place is a directory of a subject, and where its report is.
type place struct {
	Dir, Base, Link string
	Result          semantics.Result // "": of a benchmark
}

// Places are the directories of the subject, in the order of their names.
func (s subject) Places() (ps []place) {
	for _, r := range s.Runs {
		ps = append(ps, place{r.Dir, filepath.Base(r.Dir), r.Link, r.Verdict.Result})
	}
	if s.Bench != nil {
		ps = append(ps, place{s.Bench.Dir, filepath.Base(s.Bench.Dir), s.Bench.Link, ""})
	}
	slices.SortStableFunc(ps, func(a, b place) int { return strings.Compare(a.Base, b.Base) })
	return ps
}

// Outcomes say how often its runs came out how.
func (s subject) Outcomes() (out []results.AcrossResult) {
	for _, result := range []semantics.Result{semantics.Broken, semantics.Inconclusive, semantics.Kept, semantics.Observed} {
		n := 0
		for _, r := range s.Runs {
			if r.Verdict.Result == result {
				n++
			}
		}
		if n > 0 {
			out = append(out, results.AcrossResult{Result: result, Runs: n})
		}
	}
	return out
}

// Began is when its first run did.
func (s subject) Began() string {
	if s.Bench != nil {
		return look.Time(s.Bench.Manifest.Started)
	}
	first := s.Runs[0].Manifest.Started
	for _, r := range s.Runs[1:] {
		if r.Manifest.Started.Before(first) {
			first = r.Manifest.Started
		}
	}
	return look.Time(first)
}

// silences of its runs, under its name.
func (s subject) silences() (all []plot.Silence) {
	for _, r := range s.Runs {
		for _, x := range r.Silences {
			x.Target = s.Name
			all = append(all, x)
		}
	}
	return all
}
