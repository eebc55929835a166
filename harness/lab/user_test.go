package lab_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"waybill/harness/lab"
	"waybill/harness/lab/labtest"
	"waybill/harness/reexec"
)

func init() {
	reexec.Register("t-starter-of-user", starterOfUser)
	reexec.Register("t-user", asUser)
}

func TestAProcessRunsAsAnotherUserWithAndWithoutRoot(t *testing.T) {
	labtest.Hold(t)
	for claim, uid := range map[string]int{"in a lab of this test's user": os.Getuid(), "in a lab of another user, without a privilege": 65534} {
		t.Run(claim, func(t *testing.T) {
			dir := publicDir(t)
			c := reexec.Command("t-starter-of-user", dir)
			if uid != os.Getuid() {
				labtest.Need(t, "root, who alone can start a lab as another user", os.Getuid() == 0)
				must(t, os.Chown(dir, uid, uid))
				c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
			}
			must(t, os.Chmod(dir, 0o700)) // nobody else may pass
			var stderr bytes.Buffer
			c.Stderr = &stderr
			out, err := c.Output()
			if err != nil {
				t.Fatalf("%v: %s", err, stderr.String())
			}
			// What it made belongs to it; to programs on the host that run as the lab does, it belongs to the lab.
			if want := "7:7 made by 7:7\nseen by 0 as made by 0:0\npaused as T\nkilled\n"; string(out) != want {
				t.Errorf("got\n%swant\n%s", out, want)
			}
			info, err := os.Stat(filepath.Join(dir, "hosts/a/made"))
			must(t, err)
			if owner := info.Sys().(*syscall.Stat_t).Uid; int(owner) != uid {
				t.Errorf("outside, what it made belongs to %d, want %d", owner, uid)
			}
		})
	}
}

func starterOfUser(args []string) int {
	o, err := lab.Enter(lab.Spec{Dir: args[0], Program: "t-user"})
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

// asUser starts processes as uid 7 and as the lab's, and pauses and kills the first.
func asUser([]string) int {
	err := func() error {
		l, err := lab.Open()
		if err != nil {
			return err
		}
		ctx := timeout()
		h, err := l.AddHost(ctx, "a")
		if err != nil {
			return err
		}
		for _, p := range []lab.Proc{
			{Name: "make", User: 7, Args: []string{"-c", `: > made; echo "$(id -u):$(id -g) made by $(stat -c %u:%g made)"`}},
			{Name: "see", Args: []string{"-c", `echo "seen by $(id -u) as made by $(stat -c %u:%g made)"`}},
		} {
			p.Path = "/bin/sh"
			started, err := h.Start(ctx, p)
			if err != nil {
				return err
			}
			<-started.Done()
			text, err := os.ReadFile(filepath.Join(h.Dir(), p.Name+".stdout"))
			if err != nil {
				return err
			}
			fmt.Printf("%s%s", text, started.Exit().Stderr)
		}
		sleep, err := h.Start(ctx, lab.Proc{Name: "sleep", Path: "/bin/sleep", Args: []string{"100"}, User: 7})
		if err != nil {
			return err
		}
		if err := h.Pause(ctx); err != nil {
			return err
		}
		states, err := h.States()
		if err != nil {
			return err
		}
		fmt.Println("paused as", states[sleep.Pid()])
		if err := h.Kill(ctx); err != nil {
			return err
		}
		<-sleep.Done()
		fmt.Println(sleep.Exit().Signal)
		return nil
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
