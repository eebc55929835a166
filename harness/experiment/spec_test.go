package experiment

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func write(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAnExperimentFileSaysOnlyWhatDiffersFromTheDefaults(t *testing.T) {
	with := func(change func(*Spec)) Spec { s := DefaultSpec(); change(&s); return s }
	for _, c := range []struct {
		claim, content string
		want           Spec
	}{
		{"nothing", "", DefaultSpec()},
		{"blank lines", "\n  \n\t\n", DefaultSpec()},
		{"only a comment", "# tomorrow\n", DefaultSpec()},
		{"one field", "seed: 7\n", with(func(s *Spec) { s.Seed = 7 })},
		{"one field of the load leaves the others", "load:\n  rate: 500\n", with(func(s *Spec) { s.Load.Rate = 500 })},
		{"a load with nothing under it", "seed: 7\nload:\n", with(func(s *Spec) { s.Seed = 7 })},
		{"everything", `
target: nats
profile: default
modes: [core, jetstream]
faults: [kill-leader:of=consumer, "none"]
time: 1m30s
seed: 18446744073709551615
nodes: 5
fastHeal: true
load: {rate: 12.5, size: 1, keys: 2, producers: 3, consumers: 4, processing: 5ms}
`, Spec{Target: "nats", Profile: "default", Modes: []string{"core", "jetstream"}, Faults: []string{"kill-leader:of=consumer", "none"},
			Time: 90 * time.Second, Seed: 1<<64 - 1, Nodes: 5, FastHeal: true,
			Load: LoadSpec{Rate: 12.5, Size: 1, Keys: 2, Producers: 3, Consumers: 4, Processing: 5 * time.Millisecond}}},
	} {
		got, err := ReadSpec(write(t, "x.yaml", c.content))
		if err != nil || !cmp.Equal(got, c.want) {
			t.Errorf("%s: %v\n%s", c.claim, err, cmp.Diff(c.want, got))
		}
	}
}

func TestAMistakeIsNamedWithFileLineAndColumn(t *testing.T) {
	for _, c := range []struct{ claim, content, err string }{
		{"an unknown field", "target: nats\nmode: [core]\n", `[2:1] unknown field "mode"`},
		{"an unknown field of the load", "load:\n  rate: 5\n  sise: 3\n", `[3:3] unknown field "sise"`},
		{"a field twice", "seed: 1\nseed: 2\n", "[2:1]"},
		{"text for a number", "nodes: 3\nload:\n  size: big\n", "[3:9]"},
		{"a number that does not fit", "seed: -1\n", "[1:7]"},
		{"no duration", "time: soon\n", "soon"},
		{"a list for a name", "target: [nats]\n", "[1:9]"},
		{"not YAML", "target: [nats\n", "[1:"},
		{"a list of experiments", "- target: nats\n", "[1:1]"},
	} {
		path := write(t, "nightly.yaml", c.content)
		_, err := ReadSpec(path)
		if err == nil || !strings.Contains(err.Error(), path+": ") || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: error %v, want the path and %q", c.claim, err, c.err)
		}
	}
	if _, err := ReadSpec(filepath.Join(t.TempDir(), "none.yaml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestAScheduleFileMayLeaveOutWhatFollows(t *testing.T) {
	s, err := ReadSchedule(write(t, "s.yaml", "episodes:\n- fault: kill-all\n- fault: kill-leader:of=consumer\n  seed: 9\n  length: 20s\n  number: 7\n"))
	want := Schedule{Episodes: []Episode{{Number: 1, Fault: "kill-all"}, {Number: 2, Fault: "kill-leader:of=consumer", Seed: 9, Length: 20 * time.Second}}}
	if err != nil || !cmp.Equal(s, want) {
		t.Errorf("%v\n%s", err, cmp.Diff(want, s))
	}
	for _, c := range []struct{ claim, content, err string }{
		{"no fault", "episodes:\n- fault: kill-all\n- seed: 3\n", "episode 2 names no fault"},
		{"an unknown field", "episodes:\n- fault: kill-all\n  lenght: 3s\n", `[3:3] unknown field "lenght"`},
		{"an experiment", "target: nats\n", `[1:1] unknown field "target"`},
	} {
		path := write(t, "s.yaml", c.content)
		if _, err := ReadSchedule(path); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: error %v, want the path and %q", c.claim, err, c.err)
		}
	}
	if _, err := ReadSchedule(filepath.Join(t.TempDir(), "none.yaml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// FuzzReadSpec holds that no file ends the program, and that an error names it.
func FuzzReadSpec(f *testing.F) {
	for _, s := range []string{"", "target: nats\nload: {rate: 5}\n", "episodes:\n- {fault: kill-all, length: 3s}\n", "{", "null", "[]", "a: &a [*a]", "? : ",
		"- - -", "\xff\xfe", "!!binary x", "---\n---\n", "time: 1e999s", "<<: [1]", "%YAML 9\n---\n", "a: |\n\t", "modes: !!set {a}"} {
		f.Add([]byte(s))
	}
	path := filepath.Join(f.TempDir(), "x.yaml")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadSpec(path); err != nil && !strings.Contains(err.Error(), path) {
			t.Errorf("%v does not name the file", err)
		}
		s, err := ReadSchedule(path)
		if err != nil && !strings.Contains(err.Error(), path) {
			t.Errorf("%v does not name the file", err)
		}
		for i, e := range s.Episodes {
			if err == nil && (e.Number != i+1 || e.Fault == "") {
				t.Errorf("episode %d is %+v", i+1, e)
			}
		}
	})
}
