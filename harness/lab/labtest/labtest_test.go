package labtest_test

import (
	"flag"
	"os"
	"os/exec"
	"strings"
	"testing"

	"waybill/harness/lab"
	"waybill/harness/lab/labtest"
)

func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }

var plant = flag.String("plant", "", "what goes wrong inside the lab")

// TestPlanted does inside a lab what the flag says; without it, something harmless.
func TestPlanted(t *testing.T) {
	for _, name := range []string{"first", "second (of two)"} {
		t.Run(name, func(t *testing.T) {
			labtest.Run(t, func(t *testing.T, l *lab.Lab) {
				if _, err := l.AddHost(t.Context(), "a"); err != nil {
					t.Fatal(err)
				}
				switch *plant {
				case "error":
					t.Error("planted")
				case "panic":
					panic("planted")
				case "skip":
					t.Skip("planted")
				case "exit":
					os.Exit(0)
				case "stuck":
					<-t.Context().Done()
				}
			})
		})
	}
}

func TestVerdictsComeOutOfTheLab(t *testing.T) {
	for _, c := range []struct {
		claim, plant string
		fails        bool
		says         string
	}{
		{"a test that passes inside passes, in every subtest", "", false, "--- PASS: TestPlanted/second_(of_two)"},
		{"a test that fails inside fails", "error", true, "--- FAIL: TestPlanted/first"},
		{"a test that panics inside fails, and its words come out", "panic", true, "panic: planted"},
		{"a test that is skipped inside is skipped", "skip", false, "--- SKIP: TestPlanted/first"},
		{"a test that ends the process with success fails", "exit", true, "--- FAIL: TestPlanted/first"},
		{"a test that hangs ends with its deadline", "stuck", true, "timed out"},
	} {
		limit := "2m" // other packages may hold the machine's lock for a while
		if c.plant == "stuck" {
			limit = "3s"
		}
		out, err := self("-test.run=^TestPlanted$", "-test.v", "-test.timeout="+limit, "-plant="+c.plant).CombinedOutput()
		if (err != nil) != c.fails || !strings.Contains(string(out), c.says) {
			t.Errorf("%s: %v, expected %q in the output:\n%s", c.claim, err, c.says, out)
		}
	}
}

func TestWithoutLabsTestsAreSkippedOnlyWhenToldSo(t *testing.T) {
	c := self("-test.run=^TestPlanted$", "-test.v")
	c.Env = append(os.Environ(), labtest.Off+"=1", labtest.Require+"=")
	out, err := c.CombinedOutput()
	if err != nil || !strings.Contains(string(out), labtest.Off+"=1 is set") {
		t.Errorf("%v, expected a skip that says why:\n%s", err, out)
	}
}

func self(args ...string) *exec.Cmd { return exec.Command("/proc/self/exe", args...) }
