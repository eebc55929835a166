package main

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"waybill/targets"
)

// workflow is as much of the nightly workflow as is checked here.
type workflow struct {
	Jobs map[string]struct {
		Timeout  int `yaml:"timeout-minutes"`
		Strategy struct {
			Matrix map[string][]string `yaml:"matrix"`
		} `yaml:"strategy"`
		Steps []struct {
			If   string            `yaml:"if"`
			Uses string            `yaml:"uses"`
			Run  string            `yaml:"run"`
			With map[string]string `yaml:"with"`
		} `yaml:"steps"`
	} `yaml:"jobs"`
}

func readWorkflow(t *testing.T) workflow {
	t.Helper()
	b, err := os.ReadFile(".github/workflows/nightly.yml")
	if err != nil {
		t.Fatal(err)
	}
	var w workflow
	if err := yaml.Unmarshal(b, &w); err != nil {
		t.Fatal(err)
	}
	return w
}

var (
	pinned     = regexp.MustCompile(`^[a-z-]+/[a-z-]+(/[a-z-]+)?@v\d+$`)
	expression = regexp.MustCompile(`\$\{\{ *[a-z_.]+ *\}\}`)
)

func TestNightlyWorkflowIsOneThatCanRun(t *testing.T) {
	for name, j := range readWorkflow(t).Jobs {
		if j.Timeout < 1 || len(j.Steps) == 0 {
			t.Errorf("%s has %d steps and ends after %d minutes", name, len(j.Steps), j.Timeout)
		}
		for i, s := range j.Steps {
			switch {
			case (s.Uses == "") == (s.Run == ""):
				t.Errorf("%s, step %d: want either uses or run", name, i+1)
			case s.Uses != "" && !pinned.MatchString(s.Uses):
				t.Errorf("%s uses %s: want a major version", name, s.Uses)
			case s.Run != "":
				script := expression.ReplaceAllString(s.Run, "x")
				if b, err := exec.Command("bash", "-n", "-c", script).CombinedOutput(); err != nil || strings.Contains(script, "${{") {
					t.Errorf("%s, step %d is no script: %v %s\n%s", name, i+1, err, b, script)
				}
			}
			for value := range strings.SplitSeq(s.Run+strings.Join(slices.Collect(maps.Values(s.With)), "\n"), "${{") {
				key, _, _ := strings.Cut(strings.TrimSpace(value), " ")
				if of, ok := strings.CutPrefix(key, "matrix."); ok && len(j.Strategy.Matrix[of]) == 0 {
					t.Errorf("%s, step %d: the matrix has no %s", name, i+1, of)
				}
			}
		}
	}
}

// The night's benchmark asks for what the command takes; every night's result is compared with the last, published, and kept for the next.
func TestNightlyBenchmarksAreComparedAndKept(t *testing.T) {
	j := readWorkflow(t).Jobs["bench"]
	for _, target := range j.Strategy.Matrix["target"] {
		if _, ok := targets.Find(target); !ok {
			t.Errorf("there is no target %s", target)
		}
	}
	var commands, kept []string
	for _, s := range j.Steps {
		switch {
		case strings.Contains(s.Run, "waybill bench"):
			commands = append(commands, s.Run)
		case strings.HasPrefix(s.Uses, "actions/cache/"):
			kept = append(kept, s.With["path"]+" "+s.With["key"])
			if strings.Contains(s.Uses, "/save@") && s.If != "" {
				t.Errorf("a night that failed is kept for the next: %s", s.If)
			}
		}
	}
	if len(kept) != 2 || kept[0] != kept[1] {
		t.Errorf("what is kept is not what is restored: %q", kept)
	}
	if len(commands) != 1 {
		t.Fatalf("%d steps run a benchmark", len(commands))
	}
	// The script itself, with a command in place of the real one that says what it was given.
	script := strings.ReplaceAll(expression.ReplaceAllString(commands[0], "nats"), `sudo --preserve-env=PATH,HOME env "PATH=$PATH" bin/waybill`, "printf '%s\\n'")
	dir := t.TempDir()
	given := func() []string {
		t.Helper()
		c := exec.Command("bash", "-e", "-c", script)
		c.Dir = dir
		b, err := c.Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(string(b))
	}
	if first := given(); slices.Contains(first, "--baseline") {
		t.Errorf("the first night is compared: %q", first)
	}
	if err := os.MkdirAll(dir+"/nightly", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/nightly/bench.yaml", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	args := given()
	if !slices.Contains(args, "--baseline") || !slices.Contains(args, "regression=25%") {
		t.Errorf("a later night is not compared: %q", args)
	}
	// All but the baseline, which is none, is as the command wants it.
	c := waybill("nightly", args...)
	c.Dir = dir
	b, err := c.CombinedOutput()
	if err == nil || exitCode(err) != "3" || !bytes.Contains(b, []byte("nightly is not a bench directory")) {
		t.Errorf("%q ends with %v\n%s", args, err, b)
	}
}
