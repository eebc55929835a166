package disk

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waybill/harness/lab"
	"waybill/harness/lab/labtest"
)

func TestADiskBehavesAsAPlainFolderDoes(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		d := start(t)
		for _, model := range []string{"lazy", "strict"} {
			m := boot(t, l, d, model, model)
			plain := filepath.Join(m.host.Dir(), "plain")
			must(t, os.Mkdir(plain, 0o755))
			m.run("t-behave", plain, m.dir)
			text, err := os.ReadFile(filepath.Join(m.host.Dir(), "t-behave.stdout"))
			must(t, err)
			want, got, both := strings.Cut(string(text), "end\n")
			if !both || strings.Count(want, "\n") != len(behaviours) {
				t.Fatalf("expected the results of %d on two folders:\n%s", len(behaviours), text)
			}
			if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(strings.TrimSuffix(got, "end\n"), "\n")); diff != "" {
				t.Errorf("%s: plain folder -, disk +\n%s", model, diff)
			}
			for line := range strings.Lines(want) {
				if !strings.HasSuffix(line, " <nil>\n") {
					t.Errorf("on a plain folder: %s", line)
				}
			}
		}
	})
}

func TestWhatASyncCoveredIsThereAfterAPowerFailureAndNothingElse(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		m := boot(t, l, start(t), "n1", "lazy")
		for way, survives := range map[string]bool{
			"fsync": true, "fdatasync": true, "O_SYNC": true, "O_DSYNC": true, "close": false, "nothing": false,
		} {
			p := m.start("t-file", m.dir, way, "text by "+way, way)
			awaitLine(t, p, "ready\n")
			m.fail()
			want := ""
			if survives {
				want = "text by " + way
			}
			if got := contentOf(m.dir, way); got != want {
				t.Errorf("%s: got %q, want %q", way, got, want)
			}
		}
	})
}

func TestAKillAloneLosesNothing(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		m := boot(t, l, start(t), "n1", "lazy")
		awaitLine(t, m.start("t-file", m.dir, "unsynced", "text", "nothing"), "ready\n")
		awaitLine(t, m.start("t-map", m.dir), "ready\n")
		m.again(func() {})
		for name, want := range map[string]string{"unsynced": "text", "mapped": "through memory"} {
			m.run("t-expect", m.dir, name, want)
		}
		must(t, m.disks.Sync(t.Context(), "n1"))
		if got := contentOf(m.dir, "unsynced"); got != "text" {
			t.Errorf("after Sync the backing folder has %q", got)
		}
	})
}

func TestNothingIsAnsweredAsDoneOnceThePlugIsPulled(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		m := boot(t, l, start(t), "n1", "lazy")
		p := m.start("t-after", m.dir)
		lines := bufio.NewReader(p.Control())
		if line, err := lines.ReadString('\n'); line != "ready\n" {
			t.Fatal(line, err)
		}
		must(t, m.disks.Plug(t.Context(), "n1"))
		if _, err := p.Control().Write([]byte{1}); err != nil {
			t.Fatal(err)
		}
		allowed := map[string]bool{"read: <nil>": true, "stat: <nil>": true, "list: <nil>": true, "close: <nil>": true, "msync: input/output error": true}
		for {
			limit := patience
			if len(allowed) == 0 {
				limit = 200 * time.Millisecond // for what should not be answered
			}
			must(t, p.Control().SetReadDeadline(time.Now().Add(limit)))
			line, err := lines.ReadString('\n')
			if err != nil {
				break
			}
			if line = strings.TrimSpace(line); !allowed[line] && !strings.HasSuffix(line, ": interrupted system call") {
				t.Errorf("after the plug: %s", line)
			}
			delete(allowed, line)
		}
		for line := range allowed {
			t.Errorf("after the plug nobody heard %s", line)
		}
		begin := time.Now()
		must(t, m.host.Kill(t.Context()))
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("those who wait behind the plug hold up the kill for %v", took)
		}
		m.forget()
		if got := contentOf(m.dir, "file"); got != strings.Repeat("0123456789", 10) {
			t.Errorf("the file holds %q", got)
		}
		left, err := os.ReadDir(m.dir)
		must(t, err)
		if len(left) != 4 {
			t.Errorf("the folder has %v, want three files and the other folder", left)
		}
	})
}

func TestWhatTwoDisksAcknowledgedBeforeThePlugIsDurable(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		d := start(t)
		m := boot(t, l, d, "n1", "lazy")
		second := filepath.Join(m.host.Dir(), "second")
		must(t, os.Mkdir(second, 0o755))
		mountSecond := func() {
			dev, err := m.host.MountFUSE(t.Context(), second)
			must(t, err)
			must(t, d.Serve(t.Context(), "second", second, dev, Model{}, 1))
		}
		mountSecond()
		for round := range 12 {
			args := []string{m.dir, second}
			if round%3 == 2 {
				args = append(args, "mapped")
			}
			p := m.start("t-append", args...)
			var acked [2]uint64
			number := make([]byte, 8)
			enough := 20 + 30*round
			for n := 0; ; n++ {
				if n == enough {
					must(t, d.Plug(t.Context(), "n1", "second"))
					must(t, p.Control().SetReadDeadline(time.Now().Add(50*time.Millisecond)))
				}
				if _, err := io.ReadFull(p.Control(), number); err != nil {
					if n < enough {
						t.Fatal(err)
					}
					break
				}
				acked[n%2] = binary.BigEndian.Uint64(number)
			}
			must(t, m.host.Kill(t.Context()))
			_, err := d.Forget(t.Context(), "n1", "second")
			must(t, err)
			var have [2]uint64
			for i, dir := range []string{m.dir, second} {
				text := contentOf(dir, "numbers")
				for have[i]+1 < uint64(len(text)/8) && binary.BigEndian.Uint64([]byte(text[8*(have[i]+1):])) == have[i]+1 {
					have[i]++
				}
				if have[i] < acked[i] || have[i] > acked[i]+1 {
					t.Errorf("round %d, disk %d: %d are durable, %d were acknowledged", round, i, have[i], acked[i])
				}
				must(t, os.Remove(filepath.Join(dir, "numbers")))
			}
			if have[0] < have[1] || have[0] > have[1]+1 {
				t.Errorf("round %d: the first disk has %d and the second %d, though it is written to first", round, have[0], have[1])
			}
			must(t, m.host.Restart(t.Context()))
			m.mount()
			mountSecond()
		}
	})
}

func TestOneDiskLosesItsPowerAndTheOthersGoOn(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		d := start(t)
		a, b := boot(t, l, d, "n1", "lazy"), boot(t, l, d, "n2", "lazy")
		awaitLine(t, b.start("t-file", b.dir, "before", "text", "nothing"), "ready\n")
		must(t, d.Plug(t.Context(), "n1"))
		awaitLine(t, b.start("t-file", b.dir, "after", "text", "fsync"), "ready\n")
		a.again(func() { a.forget() })
		if got := contentOf(b.dir, "before") + "|" + contentOf(b.dir, "after"); got != "|text" {
			t.Errorf("the other disk's backing folder has %q", got)
		}
		b.run("t-expect", b.dir, "before", "text")
		loss := b.fail()
		if want := []FileLoss{{Path: "before", Forgotten: 4, Recent: 4}}; !cmp.Equal(loss.Files, want) {
			t.Errorf("lost %+v, want %+v", loss.Files, want)
		}
	})
}

func awaitLine(t *testing.T, p *lab.Process, want string) {
	t.Helper()
	must(t, p.Control().SetReadDeadline(time.Now().Add(patience)))
	got := make([]byte, len(want))
	if _, err := io.ReadFull(p.Control(), got); err != nil || string(got) != want {
		t.Fatalf("got %q, %v, want %q (%+v)", got, err, want, exitOf(p))
	}
}

func exitOf(p *lab.Process) string {
	select {
	case <-p.Done():
		return fmt.Sprintf("%+v", p.Exit())
	case <-time.After(100 * time.Millisecond):
		return "it runs"
	}
}
