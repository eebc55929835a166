package reexec_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"waybill/harness/reexec"
)

func init() {
	reexec.Register("args", func(args []string) int { fmt.Printf("%q\n", args); return 7 })
	reexec.Register("files", files)
}

func TestMain(m *testing.M) {
	reexec.Dispatch()
	os.Exit(m.Run())
}

// files prints what it inherited, and what a child of its own does.
func files([]string) int {
	for _, name := range []string{"one", "two", "three"} {
		f := reexec.Inherited(name)
		if f == nil {
			fmt.Println(name, "none")
			continue
		}
		if f != reexec.Inherited(name) {
			fmt.Println(name, "is another file at the second call")
		}
		text, err := io.ReadAll(f)
		fmt.Println(name, string(text), err)
	}
	child := exec.Command("/bin/sh", "-c", "test -e /proc/self/fd/3 && echo leaked || echo closed")
	child.Stdout = os.Stdout
	if err := child.Run(); err != nil {
		fmt.Println(err)
	}
	return 0
}

func TestCommand(t *testing.T) {
	for _, c := range []struct {
		claim, program string
		args           []string
		code           int
		output         string
	}{
		{"arguments go in, the exit code comes out", "args", []string{"a b", ""}, 7, `["a b" ""]` + "\n"},
		{"an unknown program is named", "nobody", nil, 4, `no program "nobody"`},
	} {
		cmd := reexec.Command(c.program, c.args...)
		out, _ := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != c.code || !strings.Contains(string(out), c.output) {
			t.Errorf("%s: exit code %d, output %q", c.claim, cmd.ProcessState.ExitCode(), out)
		}
	}
}

func TestFilesAreInheritedByNameAndNotHandedOn(t *testing.T) {
	cmd := &exec.Cmd{Path: reexec.Self, Args: reexec.ArgvFiles("files", []string{"one", "two"})}
	for _, text := range []string{"1", "2"} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
		w.Close()
		defer r.Close()
		cmd.ExtraFiles = append(cmd.ExtraFiles, r)
	}
	out, err := cmd.CombinedOutput()
	want := "one 1 <nil>\ntwo 2 <nil>\nthree none\nclosed\n"
	if err != nil || string(out) != want {
		t.Errorf("got %q, %v, want %q", out, err, want)
	}
}

func TestRegisterPanicsOnMisuse(t *testing.T) {
	for claim, name := range map[string]string{"a name twice": "args", "no name": "", "a name with the separator": "a+b"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", claim)
				}
			}()
			reexec.Register(name, func([]string) int { return 0 })
		}()
	}
}
