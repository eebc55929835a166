package campaign

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"waybill/checkers"
	"waybill/checkers/checkertest"
	"waybill/harness/history"
	"waybill/harness/semantics"
	"waybill/results"
)

// runDir is the directory that a run with the generated history of seed would have left, and that history. It is moved to
// begin a little later than now, since recorders put the check of their clock first, and every event has a tick of its own, since
// those of one tick have no order among segments.
func runDir(t *testing.T, seed uint64) (results.Dir, checkertest.History) {
	t.Helper()
	h := checkertest.Generate(seed, checkertest.Options{})
	return recorded(t, h), h
}

// recorded is the directory that a run with that history would have left. The events are moved as runDir says, in place.
func recorded(t *testing.T, h checkertest.History) results.Dir {
	t.Helper()
	seed := h.Experiment.Seed
	d, err := results.NewDir(t.TempDir(), "nats", time.Now(), seed)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(d.SaveExperiment(h.Experiment), d.SaveSchedule(h.Schedule), d.SaveManifest(results.NewManifest(seed, []string{"waybill", "test"}, time.Now()))); err != nil {
		t.Fatal(err)
	}
	origin := history.CeilTicks(history.Clock()) + 60*history.TicksPerSecond
	for i := range h.Events {
		h.Events[i].Time += origin
		if i > 0 {
			h.Events[i].Time = max(h.Events[i].Time, h.Events[i-1].Time+1)
		}
	}
	recs := map[history.Life]*history.Recorder{}
	for _, e := range h.Events {
		r, ok := recs[e.Life]
		if !ok {
			r, err = history.Create(filepath.Join(d.History(), fmt.Sprintf("%05d.seg", e.Life)), history.Header{Run: h.Experiment.Run, Life: e.Life, Role: "test"})
			if err != nil {
				t.Fatal(err)
			}
			recs[e.Life] = r
		}
		if err := r.Record(&e); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range recs {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// What is judged from the directory is what was seen: nothing is lost or made up on the way through the files.
func TestADirectoryIsJudgedAsItsHistoryIs(t *testing.T) {
	for seed := range uint64(10) {
		d, h := runDir(t, seed)
		want, err := checkers.Audit(context.Background(), h.Input())
		if err != nil {
			t.Fatal(err)
		}
		got, err := Judge(context.Background(), d)
		if err != nil {
			t.Fatal(err)
		}
		// Recorders add events of their own: the check of the clock, and the seal.
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(semantics.Verdict{}, "Events", "Segments"), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("seed %d (-memory +directory):\n%s", seed, diff)
		}
		if got.Segments == 0 || got.Events < want.Events {
			t.Errorf("seed %d: %d events of %d segments, recorded were %d", seed, got.Events, got.Segments, want.Events)
		}
	}
}

func TestASegmentCutShortIsNamedAndKeepsNothingKept(t *testing.T) {
	d, h := runDir(t, 3)
	whole, err := Judge(context.Background(), d)
	if err != nil || whole.Result != semantics.Kept {
		t.Fatalf("%s, %v: want a run that keeps its promises", whole.Result, err)
	}
	var last history.Life
	for _, e := range h.Events {
		if e.Kind == history.Outcome {
			last = e.Life
		}
	}
	name := fmt.Sprintf("%05d.seg", last)
	path := filepath.Join(d.History(), name)
	s, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, s.Size()-60); err != nil {
		t.Fatal(err)
	}
	v, err := Judge(context.Background(), d)
	if err != nil {
		t.Fatal(err)
	}
	named := false
	for _, c := range v.Cuts {
		named = named || strings.Contains(c, name)
	}
	if v.Result == semantics.Kept || v.ExitCode == 0 || !named {
		t.Errorf("result %s, exit code %d, cuts %q: want %s named, and nothing kept", v.Result, v.ExitCode, v.Cuts, name)
	}
}

func TestWithoutAPartOfItsDirectoryARunHasNoVerdict(t *testing.T) {
	for part, want := range map[string]error{"experiment.yaml": fs.ErrNotExist, "schedule.yaml": fs.ErrNotExist, "history": fs.ErrNotExist} {
		d, _ := runDir(t, 3)
		if err := os.RemoveAll(d.Path(part)); err != nil {
			t.Fatal(err)
		}
		if v, err := Judge(context.Background(), d); !errors.Is(err, want) || v.Result != "" {
			t.Errorf("without %s: %q, %v", part, v.Result, err)
		}
	}
	d, _ := runDir(t, 3)
	if err := errors.Join(os.RemoveAll(d.History()), os.Mkdir(d.History(), 0o755)); err != nil {
		t.Fatal(err)
	}
	if _, err := Judge(context.Background(), d); !errors.Is(err, history.ErrNotHistory) {
		t.Errorf("with no segment: %v", err)
	}
	for part, content := range map[string]string{"experiment.yaml": "run: [\n", "schedule.yaml": "episode: 1\n"} {
		d, _ := runDir(t, 3)
		if err := os.WriteFile(d.Path(part), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		var at *results.FileError
		if _, err := Judge(context.Background(), d); !errors.As(err, &at) || at.Line == 0 || filepath.Base(at.Path) != part {
			t.Errorf("with a %s that cannot be understood: %v, want its path and line", part, err)
		}
	}
	d, _ = runDir(t, 3)
	segments, err := filepath.Glob(filepath.Join(d.History(), "*.seg"))
	if err != nil || len(segments) == 0 {
		t.Fatal(segments, err)
	}
	b, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	b[4096+(len(b)-4096)/2] ^= 0x10 // behind the header page
	if err := os.WriteFile(segments[0], b, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Judge(context.Background(), d); !errors.Is(err, history.ErrCorrupt) {
		t.Errorf("with a flipped bit: %v", err)
	}
}

func TestJudgingWritesNothing(t *testing.T) {
	d, _ := runDir(t, 3)
	list := func() (out []string) {
		err := filepath.WalkDir(string(d), func(p string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			s, err := e.Info()
			out = append(out, fmt.Sprint(p, " ", s.Size(), " ", s.ModTime()))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	before := list()
	if _, err := Judge(context.Background(), d); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, list()); diff != "" {
		t.Errorf("(-before +after)\n%s", diff)
	}
}

func TestPublishingWritesEveryViewAndAFailingPlotChangesNoVerdict(t *testing.T) {
	d, _ := runDir(t, 3)
	v, err := Judge(context.Background(), d)
	if err != nil {
		t.Fatal(err)
	}
	warning, err := Publish(d, v)
	if warning != nil || err != nil {
		t.Fatalf("warning %v, error %v", warning, err)
	}
	for _, path := range []string{d.Path("verdict.json"), d.JUnit(), d.Report()} {
		if s, err := os.Stat(path); err != nil || s.Size() == 0 {
			t.Errorf("%s: %v, want a file that is not empty", path, err)
		}
	}
	saved, err := d.LoadVerdict()
	if diff := cmp.Diff(v, saved, cmpopts.EquateEmpty()); err != nil || diff != "" {
		t.Errorf("saved: %v\n%s", err, diff)
	}
	if err := errors.Join(os.RemoveAll(d.Plots()), os.WriteFile(d.Plots(), nil, 0o644)); err != nil { // no folder can be made here
		t.Fatal(err)
	}
	warning, err = Publish(d, v)
	if warning == nil || err != nil {
		t.Errorf("plots that cannot be drawn: warning %v, error %v; want a warning alone", warning, err)
	}
}
