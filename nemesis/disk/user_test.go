package disk

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"waybill/harness/lab"
	"waybill/harness/lab/labtest"
	"waybill/harness/reexec"
)

func init() {
	reexec.Register("t-starter", func(args []string) int { return told(starter(args[0])) })
	reexec.Register("t-cycle", func([]string) int { return told(cycle()) })
}

func TestADiskForgetsWithoutRootToo(t *testing.T) {
	labtest.Hold(t)
	labtest.Need(t, "root, who alone can start a lab as another user", os.Getuid() == 0)
	labtest.Need(t, "/dev/fuse for users other than root", unix.Access("/dev/fuse", unix.R_OK|unix.W_OK) == nil && worldWritable("/dev/fuse"))
	dir, err := os.MkdirTemp("", "waybill-disk-*")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	const nobody = 65534
	must(t, os.Chown(dir, nobody, nobody))
	c := reexec.Command("t-starter", dir)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	var output bytes.Buffer
	c.Stdout, c.Stderr = &output, &output
	if err := c.Run(); err != nil {
		t.Fatalf("%v: %s", err, output.String())
	}
	if want := "made by 7 as 7, seen as 0\nforgotten\n"; output.String() != want {
		t.Errorf("got %q, want %q", output.String(), want)
	}
}

func worldWritable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().Perm()&0o006 == 0o006
}

func starter(dir string) error {
	o, err := lab.Enter(lab.Spec{Dir: dir, Program: "t-cycle"})
	if err != nil {
		return err
	}
	code, err := o.Wait()
	if err == nil && code != 0 {
		err = fmt.Errorf("code %d", code)
	}
	return err
}

// cycle is a loss of power in a lab, with a process of another user on the disk besides.
func cycle() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	l, err := lab.Open()
	if err != nil {
		return err
	}
	d, err := Start(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	h, err := l.AddHost(ctx, "n1")
	if err != nil {
		return err
	}
	dir := filepath.Join(h.Dir(), "data")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	mount := func() error {
		dev, err := h.MountFUSE(ctx, dir)
		if err != nil {
			return err
		}
		return d.Serve(ctx, "n1", dir, dev, Model{}, 1)
	}
	run := func(p lab.Proc) error {
		started, err := h.Start(ctx, p)
		if err != nil {
			return err
		}
		<-started.Done()
		if e := started.Exit(); e.Code != 0 {
			return fmt.Errorf("%s: %+v", p.Name, e)
		}
		return nil
	}
	if err := mount(); err != nil {
		return err
	}
	if err := run(lab.Proc{Name: "own", Path: "/bin/sh", User: 7, Cwd: dir, Args: []string{"-c", `: > own && echo "made by $(id -u) as $(stat -c %u own)"`}}); err != nil {
		return err
	}
	if err := run(lab.Proc{Name: "see", Path: "/bin/sh", Cwd: dir, Args: []string{"-c", `stat -c %u own`}}); err != nil {
		return err
	}
	made, _ := os.ReadFile(filepath.Join(h.Dir(), "own.stdout"))
	seen, _ := os.ReadFile(filepath.Join(h.Dir(), "see.stdout"))
	fmt.Printf("%s, seen as %s\n", bytes.TrimSpace(made), bytes.TrimSpace(seen))
	if _, err := h.Start(ctx, lab.Proc{Name: "probe", Program: ProgramProbe, Args: []string{"write", dir}}); err != nil {
		return err
	}
	for text := []byte(nil); string(text) != "written\n"; {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("the probe wrote nothing: %w", err)
		}
		time.Sleep(time.Millisecond) // the pace of the poll
		text, _ = os.ReadFile(filepath.Join(h.Dir(), "probe.stdout"))
	}
	if err := d.Plug(ctx, "n1"); err != nil {
		return err
	}
	if err := h.Kill(ctx); err != nil {
		return err
	}
	if _, err := d.Forget(ctx, "n1"); err != nil {
		return err
	}
	if err := h.Restart(ctx); err != nil {
		return err
	}
	if err := mount(); err != nil {
		return err
	}
	if err := run(lab.Proc{Name: "check", Program: ProgramProbe, Args: []string{"check", dir}}); err != nil {
		return err
	}
	fmt.Println("forgotten")
	return nil
}

func TestTheProbeRefusesADiskThatForgetsNothing(t *testing.T) {
	dir := t.TempDir()
	c := reexec.Command(ProgramProbe, "write", dir)
	output, err := c.StdoutPipe()
	must(t, err)
	must(t, c.Start())
	line := make([]byte, len("written\n"))
	if _, err := output.Read(line); err != nil || string(line) != "written\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	must(t, c.Process.Kill())
	_ = c.Wait() // it was killed
	out, err := reexec.Command(ProgramProbe, "check", dir).CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("forgets nothing")) {
		t.Errorf("got %v, %s", err, out)
	}
}

func TestTheCostOfADiskAgainstThePlainOne(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		m := boot(t, l, start(t), "n1", "lazy")
		plain := filepath.Join(m.host.Dir(), "plain")
		must(t, os.Mkdir(plain, 0o755))
		for _, dir := range []string{plain, m.dir} {
			m.run(ProgramCost, dir)
		}
		f, err := os.Open(filepath.Join(m.host.Dir(), ProgramCost+".stdout"))
		must(t, err)
		defer f.Close()
		in := json.NewDecoder(f)
		for _, what := range []string{"plain folder", "disk"} {
			var c Cost
			must(t, in.Decode(&c))
			if c.Sequential <= 0 || c.Synced <= 0 {
				t.Errorf("%s: %+v", what, c)
			}
			t.Logf("%s: %.0f MB/s sequentially, %v for 4 KiB synced", what, c.Sequential/1e6, c.Synced)
		}
		left, err := os.ReadDir(m.dir)
		must(t, err)
		if len(left) != 0 {
			t.Errorf("measuring left %v", left)
		}
	})
}
