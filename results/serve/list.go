package serve

import (
	"maps"
	"net/http"
	"slices"

	"waybill/harness/semantics"
)

// listPage is everything that the list shows.
type listPage struct {
	Title   string
	Query   query
	All     int64 // runs there are
	Found   int64 // of those, the ones asked for
	Runs    []Run
	Benches []Bench
	Columns []column
	Targets []choice
	Results []choice
	Faults  []choice
	Page    int
	Pages   int
	Before  string // addresses; "" at the ends
	After   string
}

// column is the head of one.
type column struct {
	Name string
	Num  bool
	Link string // "": it cannot be sorted by
	Sort string // of aria-sort; "": by another
}

// choice is one of a filter's.
type choice struct {
	Value, Words string
	Chosen       bool
}

// list shows all runs and benchmarks that were asked for.
func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	runs, benches, err := s.index.all()
	if err != nil {
		s.refuse(w, err)
		return
	}
	draw(w, http.StatusOK, "list.html", newList(readQuery(r.URL.Query()), runs, benches))
}

func newList(q query, runs []Run, benches []Bench) listPage {
	runs = slices.DeleteFunc(runs, func(r Run) bool {
		return r.Path == "" || slices.ContainsFunc(benches, func(b Bench) bool { return b.below(r.Path) })
	})
	p := listPage{Title: "Runs", Query: q, All: int64(len(runs)), Benches: q.benches(benches), Columns: columns(q)}
	targets, faults := map[string]bool{}, map[string]bool{}
	for _, r := range runs {
		targets[r.Target] = true
		for _, f := range r.Faults {
			faults[f] = true
		}
	}
	for _, b := range benches {
		for _, t := range b.Targets {
			targets[targetOf(t)] = true
		}
	}
	p.Targets, p.Faults = choices(targets, q.Target), choices(faults, q.Fault)
	results := []string{string(Running), string(semantics.Kept), string(semantics.Broken), string(semantics.Inconclusive), string(Stopped)}
	for _, one := range results {
		words := one
		if one == string(Stopped) {
			words = "no verdict"
		}
		p.Results = append(p.Results, choice{one, words, one == q.Result})
	}
	picked := q.runs(runs)
	p.Found = int64(len(picked))
	p.Runs, p.Pages = q.page(picked)
	p.Page = min(q.Page, p.Pages)
	at := func(page int) string { q := q; q.Page = page; return q.link() }
	if p.Page > 1 {
		p.Before = at(p.Page - 1)
	}
	if p.Page < p.Pages {
		p.After = at(p.Page + 1)
	}
	return p
}

// choices are the values of a filter, in order. What is asked for is among them even if nothing has it.
func choices(values map[string]bool, chosen string) (out []choice) {
	if chosen != "" {
		values[chosen] = true
	}
	delete(values, "")
	for _, v := range slices.Sorted(maps.Keys(values)) {
		out = append(out, choice{v, v, v == chosen})
	}
	return out
}

func columns(q query) (out []column) {
	for _, c := range []struct {
		by, name string
		num      bool
	}{{"verdict", "verdict", false}, {"target", "target", false}, {"modes", "modes", false}, {"faults", "faults", false}, {"findings", "findings", true},
		{"started", "started", false}, {"length", "took", true}, {"seed", "seed", true}} {
		x := column{Name: c.name, Num: c.num}
		to := q
		to.Page, to.Sort, to.Desc = 1, c.by, c.num || c.by == byStart
		if q.Sort == c.by {
			to.Desc = !q.Desc
			x.Sort = "ascending"
			if q.Desc {
				x.Sort = "descending"
			}
		}
		x.Link = to.link()
		out = append(out, x)
	}
	return out
}
