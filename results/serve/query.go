package serve

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"waybill/harness/semantics"
)

// query is what a list was asked for: the query of its address, so that a list can be linked.
type query struct {
	Target string
	Result string // of a verdict, or "running" or "stopped"
	Fault  string
	Text   string // words that must all be found somewhere in what the list says
	Sort   string
	Desc   bool
	Page   int // from 1
}

// perPage is how many runs are listed at once: a page of thousands is slow on a telephone.
const perPage = 200

// longestWord bounds what is looked for.
const longestWord = 200

func readQuery(v url.Values) query {
	q := query{Target: v.Get("target"), Result: v.Get("result"), Fault: v.Get("fault"), Text: strings.TrimSpace(v.Get("q")), Sort: v.Get("sort"), Desc: v.Get("order") == "desc"}
	for _, s := range []*string{&q.Target, &q.Result, &q.Fault, &q.Text} {
		*s = shortened(strings.ToValidUTF8(*s, "\uFFFD"))
	}
	if orders[q.Sort] == nil {
		q.Sort, q.Desc = byStart, true
	}
	q.Page, _ = strconv.Atoi(v.Get("page")) // 0 for what is no number: the first
	q.Page = max(1, q.Page)
	return q
}

func shortened(s string) string {
	for len(s) > longestWord {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s
}

// link is the address of the list for a query, without what is usual.
func (q query) link() string {
	v := url.Values{}
	for name, value := range map[string]string{"target": q.Target, "result": q.Result, "fault": q.Fault, "q": q.Text} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if q.Sort != byStart || !q.Desc {
		v.Set("sort", q.Sort)
		if q.Desc {
			v.Set("order", "desc")
		}
	}
	if q.Page > 1 {
		v.Set("page", strconv.Itoa(q.Page))
	}
	if len(v) == 0 {
		return "/"
	}
	return "/?" + v.Encode()
}

// Filters reports whether it asks for less than everything.
func (q query) Filters() bool { return q.Target+q.Result+q.Fault+q.Text != "" }

// picks the runs asked for, in the order asked for: those in progress first.
func (q query) runs(all []Run) []Run {
	words := strings.Fields(strings.ToLower(q.Text))
	picked := slices.DeleteFunc(slices.Clone(all), func(r Run) bool {
		return q.Target != "" && r.Target != q.Target || q.Result != "" && r.verdict() != q.Result ||
			q.Fault != "" && !slices.Contains(r.Faults, q.Fault) || !holds(r.said(), words)
	})
	order := orders[q.Sort]
	slices.SortStableFunc(picked, func(a, b Run) int {
		sorted := order(a, b)
		if q.Desc {
			sorted = -sorted
		}
		return cmp.Or(first(a, b), sorted, b.Started.Compare(a.Started), cmp.Compare(a.Path, b.Path))
	})
	return picked
}

// picks the benchmarks asked for, the newest first, those in progress before. They have no faults.
func (q query) benches(all []Bench) []Bench {
	words := strings.Fields(strings.ToLower(q.Text))
	picked := slices.DeleteFunc(slices.Clone(all), func(b Bench) bool {
		of := func(t string) bool { return targetOf(t) == q.Target }
		return q.Target != "" && !slices.ContainsFunc(b.Targets, of) || q.Result != "" && b.verdict() != q.Result || q.Fault != "" || !holds(b.said(), words)
	})
	slices.SortStableFunc(picked, func(a, b Bench) int {
		return cmp.Or(running(b.State)-running(a.State), b.Started.Compare(a.Started), cmp.Compare(a.Path, b.Path))
	})
	return picked
}

// page is the part of the runs that a page shows, and how many pages there are.
func (q query) page(runs []Run) (shown []Run, pages int) {
	pages = max(1, (len(runs)+perPage-1)/perPage)
	from := (min(q.Page, pages) - 1) * perPage
	return runs[from:min(len(runs), from+perPage)], pages
}

func holds(text string, words []string) bool {
	text = strings.ToLower(text)
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
}

// verdict is a run's result in a word that can be asked for: that of its audit, or how far it has come.
func (r Run) verdict() string {
	if r.State == Judged {
		return string(r.Result)
	}
	return string(r.State)
}

func (b Bench) verdict() string {
	if b.State == Judged {
		return string(b.Result)
	}
	return string(b.State)
}

// said is all that the list says of a run, for looking words up in.
func (r Run) said() string {
	return strings.Join(slices.Concat([]string{r.Path, r.Target, r.Version, r.Profile, strconv.FormatUint(r.Seed, 10), r.verdict(), r.CutShort, r.Trouble}, r.Modes, r.Faults, r.Found), " ")
}

func (b Bench) said() string {
	return strings.Join(slices.Concat([]string{b.Path, strconv.FormatUint(b.Seed, 10), b.verdict(), b.Warning, b.Trouble}, b.Targets, b.Modes), " ")
}

const byStart = "started"

// orders are what runs can be sorted by: the names of columns.
var orders = map[string]func(a, b Run) int{
	byStart:  func(a, b Run) int { return a.Started.Compare(b.Started) },
	"target": func(a, b Run) int { return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(a.Version, b.Version)) },
	"modes":  func(a, b Run) int { return slices.Compare(a.Modes, b.Modes) },
	"faults": func(a, b Run) int { return slices.Compare(a.Faults, b.Faults) },
	"seed":   func(a, b Run) int { return cmp.Compare(a.Seed, b.Seed) },
	"length": func(a, b Run) int { return cmp.Compare(a.Length, b.Length) },
	"findings": func(a, b Run) int {
		return cmp.Or(cmp.Compare(a.Breaking, b.Breaking), cmp.Compare(a.Findings, b.Findings))
	},
	"verdict": func(a, b Run) int { return cmp.Compare(a.rank(), b.rank()) },
}

// rank puts what should be looked at first.
func (r Run) rank() int {
	return slices.Index([]string{string(semantics.Broken), string(semantics.Inconclusive), string(Stopped), string(semantics.Kept)}, r.verdict())
}

func first(a, b Run) int { return running(b.State) - running(a.State) }

func running(s State) int {
	if s == Running {
		return 1
	}
	return 0
}
