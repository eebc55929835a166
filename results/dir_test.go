package results

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"waybill/harness/semantics"
)

var sampleStart = time.Date(2026, 11, 21, 8, 15, 0, 0, time.UTC)

func TestRunsOfOneSecondAndSeedGetDirectoriesOfTheirOwn(t *testing.T) {
	parent := t.TempDir()
	const runs = 40
	var mu sync.Mutex
	seen := map[Dir]bool{}
	var wg sync.WaitGroup
	for range runs {
		wg.Go(func() {
			d, err := NewDir(parent, "nats", sampleStart, 42)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if seen[d] {
				t.Errorf("%s was given twice", d)
			}
			seen[d] = true
		})
	}
	wg.Wait()
	if first := Dir(filepath.Join(parent, "nats", "20261121T081500Z-42")); !seen[first] {
		t.Errorf("nobody got the plain name %s", first)
	}
	for d := range seen {
		for _, sub := range []string{d.History(), d.Brokers()} {
			if info, err := os.Stat(sub); err != nil || !info.IsDir() {
				t.Errorf("%s: want a folder: %v", sub, err)
			}
		}
	}
}

func TestATargetsNameCannotLeaveTheFolderOfRuns(t *testing.T) {
	for _, name := range []string{"", "..", "../x", "a/b", ".", "-x", "NATS", "a b"} {
		if d, err := NewDir(t.TempDir(), name, sampleStart, 1); err == nil {
			t.Errorf("NewDir(%q) made %s, want an error", name, d)
		}
	}
}

// wholeDir is a run directory with everything that an audit needs.
func wholeDir(t testing.TB) Dir {
	t.Helper()
	d, err := NewDir(t.TempDir(), "nats", sampleStart, 42)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(d.SaveExperiment(sampleExperiment()), d.SaveSchedule(sampleSchedule()), d.SaveManifest(sampleManifest()), d.SaveVerdict(sampleVerdict()))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestWhatIsSavedIsLoaded(t *testing.T) {
	d, err := OpenDir(string(wholeDir(t)))
	if err != nil {
		t.Fatal(err)
	}
	exp, err1 := d.LoadExperiment()
	sched, err2 := d.LoadSchedule()
	m, err3 := d.LoadManifest()
	v, err4 := d.LoadVerdict()
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	opt := cmpopts.EquateEmpty()
	for _, c := range []struct {
		name      string
		want, got any
	}{
		{"experiment", sampleExperiment(), exp}, {"schedule", sampleSchedule(), sched}, {"manifest", sampleManifest(), m}, {"verdict", sampleVerdict(), v},
	} {
		if diff := cmp.Diff(c.want, c.got, opt); diff != "" {
			t.Errorf("%s (-saved +loaded):\n%s", c.name, diff)
		}
	}
	left, err := filepath.Glob(d.Path(".*"))
	if err != nil || len(left) != 0 {
		t.Errorf("temporary files are left: %v %v", left, err)
	}
}

func TestWhatIsNoRunDirectoryIsSaidToBeNoneAndWhy(t *testing.T) {
	remove := func(name string) func(*testing.T, Dir) {
		return func(t *testing.T, d Dir) {
			if err := os.RemoveAll(d.Path(name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	write := func(name, content string) func(*testing.T, Dir) {
		return func(t *testing.T, d Dir) {
			if err := errors.Join(os.RemoveAll(d.Path(name)), os.WriteFile(d.Path(name), []byte(content), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name   string
		damage func(*testing.T, Dir)
		want   error
		says   string
	}{
		{"absent", func(t *testing.T, d Dir) { remove(".")(t, d) }, ErrNotRunDir, "no such file"},
		{"without experiment", remove(experimentFile), ErrNotRunDir, "lacks experiment.yaml"},
		{"without schedule", remove(scheduleFile), ErrNotRunDir, "lacks schedule.yaml"},
		{"without manifest", remove(manifestFile), ErrNotRunDir, "lacks manifest.json"},
		{"without history", remove(historyDir), ErrNotRunDir, "lacks history"},
		{"history is a file", write(historyDir, "x"), ErrNotRunDir, "history should be a folder"},
		{"manifest of a later schema", write(manifestFile, `{"schema": 99}`), ErrSchema, "unknown schema 99"},
		{"manifest without a schema", write(manifestFile, `{}`), ErrSchema, "states none"},
		{"manifest cut", write(manifestFile, "{\n  \"schema\": 1,\n"), nil, "manifest.json:3:1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := wholeDir(t)
			c.damage(t, d)
			_, err := OpenDir(string(d))
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Fatalf("error %v, want %v", err, c.want)
			}
			if !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), string(d)) {
				t.Errorf("error %q: want it to say %q and name %s", err, c.says, d)
			}
		})
	}
}

func TestAFileIsNoRunDirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenDir(path); !errors.Is(err, ErrNotRunDir) || !strings.Contains(err.Error(), "but a file") {
		t.Errorf("error %v, want that it is a file", err)
	}
	if _, err := OpenDir(""); !errors.Is(err, ErrNotRunDir) {
		t.Errorf("error %v, want %v", err, ErrNotRunDir)
	}
}

func TestErrorsInFilesNameFileLineAndColumn(t *testing.T) {
	for _, c := range []struct {
		name, content string
		line, column  int
		says          string
		load          func(Dir) error
		file          string
	}{
		{"unknown key", "run: abcdefgh\ntarget: nats\ntagret: x\n", 3, 1, `unknown field "tagret"`, loadExperiment, experimentFile},
		{"wrong type", "run: abcdefgh\nnodes: three\n", 2, 8, "cannot unmarshal string", loadExperiment, experimentFile},
		{"bad stage", "lanes:\n  - mode:\n      promises:\n        - stage: stored\n          guarantee: twice\n", 0, 0, "guarantee", loadExperiment, experimentFile},
		{"key given twice", "seed: 1\nseed: 2\n", 2, 1, "seed", loadExperiment, experimentFile},
		{"not YAML", "episodes:\n  - {number: 1\n", 0, 0, "", loadSchedule, scheduleFile},
		{"empty", "", 0, 0, "empty", loadSchedule, scheduleFile},
		{"comment only", "# nothing\n", 0, 0, "", loadSchedule, scheduleFile},
		{"JSON of a wrong type", "{\n  \"schema\": 1,\n  \"exitCode\": \"one\"\n}\n", 3, 19, "exitCode", loadVerdict, verdictFile},
		{"JSON cut", "{\n  \"schema\": 1,", 2, 14, "unexpected end", loadVerdict, verdictFile},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := wholeDir(t)
			if err := os.WriteFile(d.Path(c.file), []byte(c.content), 0o644); err != nil {
				t.Fatal(err)
			}
			err := c.load(d)
			var at *FileError
			if !errors.As(err, &at) {
				t.Fatalf("error %v, want a FileError", err)
			}
			if c.line != 0 && (at.Line != c.line || at.Column != c.column) {
				t.Errorf("%v: at %d:%d, want %d:%d", err, at.Line, at.Column, c.line, c.column)
			}
			if !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), d.Path(c.file)) {
				t.Errorf("error %q: want it to say %q and name the file", err, c.says)
			}
		})
	}
}

func loadExperiment(d Dir) error { _, err := d.LoadExperiment(); return err }
func loadSchedule(d Dir) error   { _, err := d.LoadSchedule(); return err }
func loadVerdict(d Dir) error    { _, err := d.LoadVerdict(); return err }

func TestARunThatWasNeverAuditedHasNoVerdict(t *testing.T) {
	d := wholeDir(t)
	if err := os.Remove(d.Path(verdictFile)); err != nil {
		t.Fatal(err)
	}
	if err := loadVerdict(d); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want %v", err, fs.ErrNotExist)
	}
	v := sampleVerdict()
	v.Schema = semantics.VerdictSchema + 1
	if err := d.SaveVerdict(v); err != nil {
		t.Fatal(err)
	}
	if err := loadVerdict(d); !errors.Is(err, ErrSchema) {
		t.Errorf("error %v, want %v", err, ErrSchema)
	}
}

func TestASaveThatFailsLeavesTheOldFile(t *testing.T) {
	d := wholeDir(t)
	v := sampleVerdict()
	v.Lanes[0].Cells[0].Bound = nan()
	if err := d.SaveVerdict(v); err == nil {
		t.Fatal("a verdict that JSON cannot hold was saved")
	}
	if err := loadVerdict(d); err != nil {
		t.Errorf("the old verdict is gone: %v", err)
	}
}

// bomb stands for input that the YAML library cannot take.
type bomb struct{}

func (*bomb) UnmarshalYAML([]byte) error { panic("index out of range") }

func TestAPanicOfTheParserIsAnErrorThatNamesTheFile(t *testing.T) {
	var at *FileError
	if err := decodeYAML("x.yaml", []byte("a: 1"), &bomb{}); !errors.As(err, &at) || !strings.Contains(err.Error(), "x.yaml") {
		t.Errorf("error %v: want a FileError that names x.yaml", err)
	}
}
