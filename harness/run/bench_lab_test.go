package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"waybill/checkers"
	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/lab/labtest"
	"waybill/harness/reexec"
	"waybill/harness/semantics"
	"waybill/targets"
	_ "waybill/targets/nats"
)

// benchExperiment is an experiment without lanes.
func benchExperiment(target string) experiment.Experiment {
	return experiment.Experiment{Run: "benchlab", Target: target, Profile: "default", Seed: 7, Nodes: 3,
		Load:   experiment.Load{Rate: 2000, Burst: 10, Size: 64, Keys: 16, Batch: 64, Window: 500, Confirm: 2 * time.Second},
		Limits: experiment.Limits{Start: time.Minute, Quiesce: 10 * time.Second, Drain: 30 * time.Second}}
}

// benchmark is a lab for replicates of a test.
type benchmark struct {
	*Bench
	dir, target string
	mark        string // in the environment of every process of the lab
	runs        int
	phase       atomic.Value // the last one told: a string
}

func startBench(t *testing.T, target string) *benchmark {
	t.Helper()
	labtest.Hold(t)
	x := &benchmark{dir: t.TempDir(), target: target}
	x.mark = "WAYBILL_TEST_LAB=" + x.dir
	t.Setenv("WAYBILL_TEST_LAB", x.dir)
	b, err := StartBench(BenchJob{Dir: filepath.Join(x.dir, "lab"), Experiment: benchExperiment(target)})
	if err != nil {
		t.Fatal(err)
	}
	x.Bench = b
	heard := make(chan struct{})
	t.Cleanup(func() { b.Kill(); <-heard })
	go func() {
		defer close(heard)
		for p := range b.Progress() {
			if p.Phase != "" {
				x.phase.Store(p.Phase)
			}
			if p.Warning != "" || p.Error != "" {
				t.Log(p.Warning, p.Error)
			}
		}
	}()
	return x
}

// replicate is one of a mode, in a run directory of its own.
func (x *benchmark) replicate(t *testing.T, mode string) ReplicateJob {
	t.Helper()
	e := benchExperiment(x.target)
	x.runs++
	e.Run = fmt.Sprintf("bench%03d", x.runs)
	found, _ := targets.Find(x.target)
	for _, m := range found.Describe("").Modes {
		if m.Name == mode {
			e.Lanes = []experiment.Lane{{Name: m.Name, Queue: strings.ReplaceAll(m.Name, "-", "_") + "_" + e.Run, Mode: m, Producers: 1, Consumers: 1}}
		}
	}
	if e.Lanes == nil {
		t.Fatalf("no mode %q", mode)
	}
	return ReplicateJob{Dir: filepath.Join(x.dir, e.Run), Experiment: e, Warm: 1500 * time.Millisecond, Measure: 800 * time.Millisecond}
}

// carry carries a replicate out, which is to go well.
func (x *benchmark) carry(t *testing.T, j ReplicateJob) ReplicateEnd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	end, err := x.Replicate(ctx, j)
	if err != nil || end.Error != "" {
		t.Fatal(err, end.Error)
	}
	for _, what := range end.Trouble {
		t.Logf("trouble: %s", what)
	}
	return end
}

// processes are those of the lab: what they are, and their numbers.
func (x *benchmark) processes() map[int]string {
	out := map[int]string{}
	paths, _ := filepath.Glob("/proc/[0-9]*") // the pattern is well formed
	for _, p := range paths {
		environ, _ := os.ReadFile(filepath.Join(p, "environ")) // nothing is known of one that has ended since
		if !slices.Contains(strings.Split(string(environ), "\x00"), x.mark) {
			continue
		}
		line, _ := os.ReadFile(filepath.Join(p, "cmdline"))
		argv0, _, _ := bytes.Cut(line, []byte{0})
		pid, _ := strconv.Atoi(filepath.Base(p))
		out[pid] = string(argv0)
	}
	return out
}

// workers are the processes of clients that are up.
func (x *benchmark) workers() (pids []int) {
	for pid, argv0 := range x.processes() {
		if reexec.Is(argv0, workerProgram) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// left looks for what a replicate left on hosts: effects, or its queue in the brokers' stores. Not all brokers have deleted that yet when
// one says so.
func (x *benchmark) left(t *testing.T, j ReplicateJob) {
	t.Helper()
	limit, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err := every(limit, 20*time.Millisecond, func(context.Context) error {
		return filepath.WalkDir(filepath.Join(x.dir, "lab", "lab", "hosts"), func(path string, _ fs.DirEntry, err error) error {
			if strings.Contains(filepath.Base(path), j.Experiment.Run) {
				return fmt.Errorf("%s is left", path)
			}
			if errors.Is(err, fs.ErrNotExist) { // a broker is at work in there
				return nil
			}
			return err
		})
	})
	if err != nil {
		t.Error(err)
	}
}

// verdict judges what a replicate left.
func verdict(t *testing.T, j ReplicateJob) semantics.Verdict {
	t.Helper()
	h, err := history.Open(j.History())
	if err == nil {
		err = h.Verify()
	}
	if err != nil {
		t.Fatal(err)
	}
	v, err := checkers.Audit(t.Context(), checkers.Input{Source: h, Experiment: j.Experiment})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// events are those of some kind.
func events(t *testing.T, j ReplicateJob, kind history.Kind) (out []history.Event) {
	t.Helper()
	h, err := history.Open(j.History())
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range h.Events() {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == kind {
			out = append(out, *e)
		}
	}
	return out
}
