package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"waybill/harness/campaign"
	"waybill/harness/history"
	"waybill/harness/semantics"
	"waybill/results"
	"waybill/targets"
)

// limit is the longest that one run may take.
const limit = 15 * time.Minute

// row is what came of one run.
type row struct {
	plant   targets.Plant
	rate    float64
	exit    int
	took    time.Duration // of the run, its audit left out
	sent    int64
	harmed  int
	found   int // of those, in a finding that breaks a promise
	accused int // in one, and not harmed
	broke   map[string]int64
	stuck   bool
}

// one runs a bug, and reads what is to be read.
func one(ctx context.Context, o options, p targets.Plant) (row, error) {
	r := row{plant: p, rate: o.rate, broke: map[string]int64{}}
	out := filepath.Join(o.out, "matrix-"+p.Name)
	if o.again {
		r.exit = -1 // nothing was run
		return r, r.read(ctx, out)
	}
	if err := os.RemoveAll(out); err != nil {
		return r, err
	}
	args := []string{"test", "--target", "planted", "--seed", fmt.Sprint(o.seed), "--out", out}
	if p.Name != none.Name {
		args = append(args, "--plant", fmt.Sprintf("%s=%g", p.Name, o.rate))
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	c := exec.CommandContext(ctx, o.waybill, args...)
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = time.Minute
	text, err := c.CombinedOutput()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		return r, fmt.Errorf("%s: %w", p.Name, err)
	}
	r.exit = c.ProcessState.ExitCode()
	if r.exit > 2 {
		return r, fmt.Errorf("%s: exit code %d:\n%s", p.Name, r.exit, text)
	}
	return r, r.read(ctx, out)
}

// read compares the messages of a run's findings with its brokers' confessions.
func (r *row) read(ctx context.Context, out string) error {
	dirs, err := filepath.Glob(filepath.Join(out, "planted", "*"))
	if err != nil || len(dirs) != 1 {
		return fmt.Errorf("%s: %d run directories in %s, want one", r.plant.Name, len(dirs), out)
	}
	v, named, err := campaign.JudgeNamed(ctx, results.Dir(dirs[0]))
	if err != nil {
		return err
	}
	harmed, err := confessed(dirs[0])
	if err != nil {
		return err
	}
	m, err := results.Dir(dirs[0]).LoadManifest()
	if err != nil {
		return err
	}
	r.took = m.Ended.Sub(m.Started)
	for _, l := range v.Lanes {
		r.sent += l.Ledger.Sent
	}
	blamed := map[history.Msg]bool{}
	for _, f := range v.Findings {
		if !f.Breaks {
			continue
		}
		r.broke[f.Anomaly] += f.Count
		for m := range named.Of(f.ID) {
			blamed[m] = true
		}
	}
	for _, e := range v.Episodes {
		for _, live := range e.Liveness {
			r.stuck = r.stuck || live == semantics.Broken
		}
	}
	r.harmed = len(harmed)
	for m := range blamed {
		if harmed[m] {
			r.found++
		} else {
			r.accused++
		}
	}
	return nil
}

// confessed is what the brokers say they harmed, and did not spare after all.
func confessed(dir string) (map[history.Msg]bool, error) {
	logs, err := filepath.Glob(filepath.Join(dir, "brokers", "*", "*.stdout"))
	if err != nil {
		return nil, err
	}
	harmed, spared := map[history.Msg]bool{}, map[history.Msg]bool{}
	for _, log := range logs {
		b, err := os.ReadFile(log)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(b)) {
			w := strings.Fields(line)
			if len(w) != 3 {
				continue // the last one, of a broker that was killed while it wrote
			}
			_, m, _, err := history.ParseToken(w[2])
			if err != nil {
				continue
			}
			switch w[0] {
			case "harmed":
				harmed[m] = true
			case "spared":
				spared[m] = true
			}
		}
	}
	for m := range spared {
		delete(harmed, m)
	}
	return harmed, nil
}

// good reports whether the row is as it should be: caught by a check that was expected to, with nobody accused who was not harmed.
func (r row) good() bool {
	if r.plant.Name == none.Name {
		return r.exit <= 0 && len(r.broke) == 0
	}
	caught := slices.ContainsFunc(r.plant.Anomalies, func(a string) bool { return r.broke[a] > 0 || r.stuck && (a == "stuck" || a == "unavailable") })
	return (r.exit == 1 || r.exit < 0) && caught && r.accused == 0
}

func (r row) String() string {
	how := "default tour"
	oneIn := "–"
	if r.plant.Name != none.Name {
		how = fmt.Sprintf("%s, %s", strings.Join(r.plant.Modes, " and "), r.plant.Fault)
		oneIn = fmt.Sprintf("%.0f", 1/r.rate)
	}
	var what []string
	for _, a := range sorted(r.broke) {
		what = append(what, fmt.Sprintf("%s ×%d", a, r.broke[a]))
	}
	if r.stuck {
		what = append(what, "liveness")
	}
	return fmt.Sprintf("| %s | %s | %s | %d | %d | %d | %d | %s | %d | %.0f s |", r.plant.Name, oneIn, how, r.sent, r.harmed, r.found, r.accused,
		strings.Join(what, ", "), r.exit, r.took.Seconds())
}

func sorted(m map[string]int64) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// table is checks across, bugs down: how many messages each check named.
func table(rows []row) string {
	all := map[string]int64{}
	for _, r := range rows {
		for a := range r.broke {
			all[a]++
		}
	}
	var b strings.Builder
	names := sorted(all)
	b.WriteString("| bug | " + strings.Join(names, " | ") + " | liveness |\n|---" + strings.Repeat("|--:", len(names)+1) + "|\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s |", r.plant.Name)
		for _, a := range names {
			if n := r.broke[a]; n > 0 {
				fmt.Fprintf(&b, " %d |", n)
			} else {
				b.WriteString(" |")
			}
		}
		if r.stuck {
			b.WriteString(" broken")
		}
		b.WriteString(" |\n")
	}
	return b.String()
}
