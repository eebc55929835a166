package lab_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"waybill/harness/lab"
	"waybill/harness/lab/labtest"
	"waybill/harness/reexec"
)

func init() {
	reexec.Register("t-overlaid", overlaid)
	reexec.Register("t-read-on-host", readOnHost)
}

// layers are a folder with two files, one laid over it that has the second and a third, and the target's path.
func layers(t *testing.T) (target, upper string) {
	t.Helper()
	dir := publicDir(t)
	for file, text := range map[string]string{
		"target/a": "of the machine\n", "target/sub/b": "of the machine\n",
		"upper, of: two/sub/b": "laid over\n", "upper, of: two/sub/c": "laid over\n",
	} {
		path := filepath.Join(dir, file)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(text), 0o644))
	}
	return filepath.Join(dir, "target"), filepath.Join(dir, "upper, of: two")
}

// publicDir is t.TempDir for users other than this one.
func publicDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "waybill-test-*")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	return dir
}

func TestAnOverlayIsSeenOnEveryHostAndNowhereElse(t *testing.T) {
	labtest.Hold(t)
	for claim, uid := range map[string]uint32{"as the user of this test": uint32(os.Getuid()), "as another user, without a privilege": 65534} {
		t.Run(claim, func(t *testing.T) {
			target, upper := layers(t)
			dir := publicDir(t)
			c := reexec.Command("t-overlaid", dir, target, upper)
			if int(uid) != os.Getuid() {
				labtest.Need(t, "root, who alone can start a lab as another user", os.Getuid() == 0)
				must(t, os.Chown(dir, int(uid), int(uid)))
				c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
			}
			var stderr bytes.Buffer
			c.Stderr = &stderr
			out, err := c.Output()
			if err != nil {
				t.Fatalf("%v: %s", err, stderr.String())
			}
			const want = "host 1: of the machine|laid over|laid over|read-only file system\n" +
				"host 2: of the machine|laid over|laid over|read-only file system\n"
			if string(out) != want {
				t.Errorf("the hosts see\n%swant\n%s", out, want)
			}
			if text, err := os.ReadFile(filepath.Join(target, "sub/b")); err != nil || string(text) != "of the machine\n" {
				t.Errorf("outside the lab the file reads %q, %v", text, err)
			}
			for _, m := range mounts(t) {
				if strings.Contains(m, target) {
					t.Errorf("the machine has the mount %s", m)
				}
			}
		})
	}
}

// overlaid is a starter whose lab has an overlay: its arguments are the lab's folder, the target and what is laid over.
func overlaid(args []string) int {
	o, err := lab.Enter(lab.Spec{Dir: args[0], Program: "t-read-on-host", Args: args[1:], Overlay: map[string]string{args[1]: args[2]}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code, err := o.Wait()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// readOnHost reads the overlaid folder with programs of two hosts, the second restarted before.
func readOnHost(args []string) int {
	l, err := lab.Open()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx := timeout()
	for i := range 2 {
		h, err := l.AddHost(ctx, fmt.Sprint("host", i+1))
		if err == nil && i == 1 {
			err = errors.Join(h.Kill(ctx), h.Restart(ctx))
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		p, err := h.Start(ctx, lab.Proc{Name: "read", Path: "/bin/sh", Args: []string{"-c",
			`cat "$1/a" "$1/sub/b" "$1/sub/c"; touch "$1/new" 2>&1 | grep -io 'read-only file system'`, "sh", args[0]}})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		<-p.Done()
		text, err := os.ReadFile(filepath.Join(h.Dir(), "read.stdout"))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		lines := strings.Split(strings.ToLower(strings.TrimSpace(string(text))), "\n")
		fmt.Printf("host %d: %s\n", i+1, strings.Join(lines, "|"))
	}
	return 0
}

func TestAnOverlayThatCannotBeIsNamed(t *testing.T) {
	labtest.Hold(t)
	target, upper := layers(t)
	for _, c := range []struct{ claim, target, upper, want string }{
		{"a folder that is missing", target, filepath.Join(upper, "missing"), "no such file"},
		{"a target that is missing", filepath.Join(target, "missing"), upper, "no such file"},
		{"a file", target, filepath.Join(upper, "sub/b"), "not a folder"},
		{"a relative path", target, "upper", "absolute"},
		{"paths that the kernel would cut off", target, upper + strings.Repeat("/.", os.Getpagesize()/2-40), "longer"},
	} {
		o, err := lab.Enter(lab.Spec{Dir: t.TempDir(), Program: "t-exit", Args: []string{"0"}, Overlay: map[string]string{c.target: c.upper}})
		if err == nil {
			o.Kill()
			t.Errorf("%s: the lab was entered", c.claim)
			continue
		}
		for _, want := range []string{"laying " + c.upper + " over " + c.target, c.want} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v: want %q in it", c.claim, err, want)
			}
		}
	}
}
