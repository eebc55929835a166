package results

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"waybill/harness/semantics"
	"waybill/results/look"
)

// SoakDir is the directory of a soak: many runs, of which only those are kept that say something.
type SoakDir string

// NewSoakDir makes parent/soak-20261121T081500Z-SEED.
func NewSoakDir(parent string, at time.Time, seed uint64) (SoakDir, error) {
	d := filepath.Join(parent, fmt.Sprintf("soak-%s-%d", at.UTC().Format("20060102T150405Z"), seed))
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", fmt.Errorf("results: make the folder of runs: %w", err)
	}
	if err := os.Mkdir(d, 0o755); err != nil {
		return "", fmt.Errorf("results: make the directory of a soak: %w", err)
	}
	return SoakDir(d), nil
}

// Note appends a round to rounds.jsonl, a line each.
func (d SoakDir) Note(r Round) error {
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("results: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(string(d), "rounds.jsonl"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("results: %w", err)
	}
	if _, err := f.Write(append(line, '\n')); err != nil {
		f.Close()
		return fmt.Errorf("results: write a round: %w", err)
	}
	return f.Close()
}

// SaveSummary writes soak.json.
func (d SoakDir) SaveSummary(s Soak) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("results: %w", err)
	}
	return os.WriteFile(filepath.Join(string(d), "soak.json"), append(text, '\n'), 0o644)
}

// Memory is what processes of the harness held resident, in bytes: brokers are not counted.
type Memory struct {
	Parent int64 `json:"parent"` // the process that goes from round to round, after the round, with unused pages given back
	Lab    int64 `json:"lab"`    // controller and workers together, at most during the round
}

// Round is what is left of one round of a soak.
type Round struct {
	Number   int              `json:"number"`
	Seed     uint64           `json:"seed"`
	Command  string           `json:"command"` // repeats it alone
	Seconds  float64          `json:"seconds"`
	Result   semantics.Result `json:"result"`
	CutShort string           `json:"cutShort,omitempty"`
	Sent     int64            `json:"sent"`
	Acked    int64            `json:"acked"`
	Faults   map[string]int   `json:"faults,omitempty"` // injections that bit, by fault
	Findings []string         `json:"findings,omitempty"`
	Dirs     []Dir            `json:"dirs,omitempty"` // kept, whole or in part
	Memory   Memory           `json:"memory"`
	Disk     int64            `json:"disk"` // bytes that the soak's directory has after the round
	verdicts []semantics.Verdict
}

// Take adds a run's verdict to the round. Several profiles are several runs.
func (r *Round) Take(v semantics.Verdict) {
	r.verdicts = append(r.verdicts, v)
	r.Result = worse(r.Result, v.Result)
	r.CutShort = cmp.Or(r.CutShort, v.CutShort)
	for _, l := range v.Lanes {
		r.Sent += l.Ledger.Sent
		r.Acked += l.Ledger.Acked
	}
	if r.Faults == nil {
		r.Faults = map[string]int{}
	}
	for _, e := range v.Episodes {
		if e.Bit {
			r.Faults[e.Fault] += e.Strikes
		}
	}
	for _, f := range v.Findings {
		if f.Breaks {
			r.Findings = append(r.Findings, fmt.Sprintf("%s: %s (%d) in episode %d", f.Lane, f.Anomaly, f.Count, f.Episode))
		}
	}
}

// worse is the result that counts: broken before inconclusive before kept.
func worse(a, b semantics.Result) semantics.Result {
	rank := map[semantics.Result]int{semantics.Kept: 1, semantics.Inconclusive: 2, semantics.Broken: 3}
	if rank[b] > rank[a] {
		return b
	}
	return a
}

// Soak is what many rounds showed together.
type Soak struct {
	Seed     uint64                   `json:"seed"`
	Rounds   int                      `json:"rounds"`
	Results  map[semantics.Result]int `json:"results"`
	Seconds  float64                  `json:"seconds"`
	Sent     int64                    `json:"sent"`
	Acked    int64                    `json:"acked"`
	Faults   map[string]int           `json:"faults"`
	Findings int                      `json:"findings"` // that break a promise
	Cells    []SoakCell               `json:"cells"`
	First    Round                    `json:"first"`
	Last     Round                    `json:"last"`
	Broken   []Round                  `json:"broken,omitempty"`
}

// SoakCell is one promise under one fault, over all rounds.
type SoakCell struct {
	Lane    string                   `json:"lane"`
	Promise string                   `json:"promise"`
	Stage   semantics.Stage          `json:"stage"`
	Fault   string                   `json:"fault"`
	Results map[semantics.Result]int `json:"results"`
	N       int                      `json:"n"`               // independent injections with full exposure: each round has a seed of its own
	Bound   float64                  `json:"bound,omitempty"` // 0 where the promise was broken once
}

// Result is that of all rounds together.
func (s *Soak) Result() (r semantics.Result) {
	for result := range s.Results {
		r = worse(r, result)
	}
	return r
}

// Add takes a round.
func (s *Soak) Add(r Round) {
	if s.Rounds++; s.Rounds == 1 {
		s.First = r
		s.Results, s.Faults = map[semantics.Result]int{}, map[string]int{}
	}
	s.Last = r
	s.Results[r.Result]++
	s.Seconds += r.Seconds
	s.Sent += r.Sent
	s.Acked += r.Acked
	s.Findings += len(r.Findings)
	for f, n := range r.Faults {
		s.Faults[f] += n
	}
	if r.Result == semantics.Broken {
		s.Broken = append(s.Broken, r)
	}
	for _, v := range r.verdicts {
		for _, l := range v.Lanes {
			s.cells(l)
		}
	}
	s.First.verdicts, s.Last.verdicts = nil, nil // they are counted
	for i := range s.Broken {
		s.Broken[i].verdicts = nil
	}
}

// cells adds the cells of one lane of one run.
func (s *Soak) cells(l semantics.Lane) {
	counted := map[int]bool{}
	for _, c := range l.Cells {
		if faultless(c.Fault) {
			continue
		}
		i := s.cell(l.Name, c)
		x := &s.Cells[i]
		x.Results[c.Result]++
		if !counted[i] && c.N > 0 { // the n of a cell is that of all cells of its kind in the run
			counted[i] = true
			x.N += c.N
		}
		if x.Bound = semantics.Bound(x.N); x.Results[semantics.Broken] > 0 {
			x.Bound = 0
		}
	}
}

func (s *Soak) cell(lane string, c semantics.Cell) int {
	x := SoakCell{Lane: lane, Promise: promiseOf(c), Stage: c.Stage, Fault: c.Fault, Results: map[semantics.Result]int{}}
	for i, y := range s.Cells {
		if y.Lane == x.Lane && y.Promise == x.Promise && y.Stage == x.Stage && y.Fault == x.Fault {
			return i
		}
	}
	s.Cells = append(s.Cells, x)
	return len(s.Cells) - 1
}

func promiseOf(c semantics.Cell) string {
	words := []string{c.Guarantee.String()}
	if c.Ordered {
		words = append(words, "in order")
	}
	if c.Atomic {
		words = append(words, "atomic")
	}
	return strings.Join(words, ", ")
}

// WriteSoak writes a soak as text, its result as the last line.
func WriteSoak(w io.Writer, s Soak) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "mode\tpromise\tfault\tkept\tbroken\tother\tn\tchance per fault, 95 %%\n")
	cells := slices.Clone(s.Cells)
	slices.SortStableFunc(cells, func(a, b SoakCell) int {
		return cmp.Or(cmp.Compare(a.Lane, b.Lane), cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.Fault, b.Fault))
	})
	for _, c := range cells {
		kept, broken, all := c.Results[semantics.Kept], c.Results[semantics.Broken], 0
		for _, n := range c.Results {
			all += n
		}
		bound := ""
		switch {
		case broken > 0:
			bound = "BROKEN"
		case c.Bound > 0:
			bound = "≤" + look.Percent(c.Bound)
		}
		fmt.Fprintf(t, "%s\t%s %s\t%s\t%d\t%d\t%d\t%d\t%s\n", look.Visible(c.Lane), c.Promise, c.Stage, look.Visible(c.Fault), kept, broken, all-kept-broken, c.N, bound)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	var b strings.Builder
	var faults []string
	for f, n := range s.Faults {
		faults = append(faults, fmt.Sprintf("%s %d", look.Visible(f), n))
	}
	slices.Sort(faults)
	fmt.Fprintf(&b, "\ninjected  %s\n", strings.Join(faults, ", "))
	for _, r := range s.Broken {
		fmt.Fprintf(&b, "broken    round %d: %s\n          repeat: %s\n", r.Number, look.Visible(strings.Join(r.Findings, "; ")), look.Visible(r.Command))
		for _, d := range r.Dirs {
			fmt.Fprintf(&b, "          kept whole: %s\n", look.Visible(string(d)))
		}
	}
	flat := func(what string, of func(Round) int64) {
		fmt.Fprintf(&b, "%s %s after round %d, %s after round %d\n", what, mebibytes(of(s.First)), s.First.Number, mebibytes(of(s.Last)), s.Last.Number)
	}
	flat("memory    waybill test:", func(r Round) int64 { return r.Memory.Parent })
	flat("          controller and workers, at most:", func(r Round) int64 { return r.Memory.Lab })
	flat("disk     ", func(r Round) int64 { return r.Disk })
	fmt.Fprintf(&b, "\nSoak: %s in %s: %d kept, %d broken, %d inconclusive; %s messages sent, %s acknowledged; %s.\n",
		look.Plural(int64(s.Rounds), "round"), (time.Duration(s.Seconds * float64(time.Second))).Round(time.Second),
		s.Results[semantics.Kept], s.Results[semantics.Broken], s.Results[semantics.Inconclusive], look.Count(s.Sent), look.Count(s.Acked),
		look.Plural(int64(s.Findings), "finding")+" against a promise")
	_, err := io.WriteString(w, b.String())
	return err
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
