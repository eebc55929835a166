package history

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waybill/harness/reexec"
)

func init() {
	reexec.Register("history-test-recorder", recordUntilKilled)
}

// recordUntilKilled records sends, and writes the number of each to its output when it is recorded.
func recordUntilKilled(args []string) int {
	r, err := Create(args[0], Header{Run: "testrun1", Life: 7})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var line []byte
	for seq := uint64(1); ; seq++ {
		e := Event{Kind: Send, Msg: Msg{7, seq}}
		if seq%50 == 0 {
			e.Text = strings.Repeat("x", int(seq*7919%3000)) // so that blocks and chunks end often
		}
		if err := r.Record(&e); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		r.Counters().Store(Sent, seq)
		line = append(strconv.AppendUint(line[:0], seq, 10), '\n')
		if _, err := os.Stdout.Write(line); err != nil {
			return 1
		}
	}
}

func TestNothingRecordedIsLostByAKillAtAnyInstant(t *testing.T) {
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	for i := range 30 {
		delay := time.Duration(rng.Int64N(int64(60 * time.Millisecond)))
		path := filepath.Join(t.TempDir(), fmt.Sprintf("%d.seg", i))
		said := killedAfter(t, path, delay)
		if _, err := os.Stat(path); err != nil && said == 0 {
			continue // killed before there was a file
		}
		for _, when := range []string{"as it was left", "once sealed", "once sealed again"} {
			if when != "as it was left" {
				must(t, SealOrphan(path))
			}
			h, err := Open(filepath.Dir(path))
			must(t, err)
			must(t, h.Verify())
			got, err := all(h)
			must(t, err)
			if uint64(len(got)) < said {
				t.Fatalf("killed after %v, %s: %d events are left, %d had been recorded", delay, when, len(got), said)
			}
			for i, e := range got {
				if e.Msg.Seq != uint64(i+1) {
					t.Fatalf("killed after %v, %s: event %d has sequence %d", delay, when, i, e.Msg.Seq)
				}
			}
			s := h.Segments()[0]
			if s.Cut != "" && said > 0 {
				t.Errorf("killed after %v, %s: Cut is %q", delay, when, s.Cut)
			}
			if want := map[bool]Sealing{true: SealedByHarness}[when != "as it was left"]; said > 0 && s.Sealed != want {
				t.Errorf("killed after %v, %s: %s, want %s", delay, when, s.Sealed, want)
			}
			if said > 0 && when == "as it was left" {
				live, err := WatchCounters(path)
				must(t, err)
				if n := live.Load(Sent); n+1 < uint64(len(got)) || n > uint64(len(got)) {
					t.Errorf("killed after %v: the counter says %d, recorded were %d", delay, n, len(got))
				}
				must(t, live.Close())
			}
		}
	}
}

// killedAfter starts a recorder, kills it after delay and returns the last number that it said to have recorded.
func killedAfter(t *testing.T, path string, delay time.Duration) (said uint64) {
	t.Helper()
	cmd := reexec.Command("history-test-recorder", path)
	out, err := cmd.StdoutPipe()
	must(t, err)
	cmd.Stderr = os.Stderr
	must(t, cmd.Start())
	timer := time.AfterFunc(delay, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		n, err := strconv.ParseUint(lines.Text(), 10, 64)
		must(t, err)
		said = n
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.Exited() {
		t.Fatalf("the recorder ended by itself: %v", err)
	}
	return said
}

func TestSealOrphanLeavesASealedSegmentAlone(t *testing.T) {
	path, _ := specimen(t)
	before, err := os.ReadFile(path)
	must(t, err)
	must(t, SealOrphan(path))
	after, err := os.ReadFile(path)
	must(t, err)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the segment changed:\n%s", diff)
	}
}

func TestSealOrphanRestoresWhatTheOwnerWouldHaveSealed(t *testing.T) {
	path, _ := specimen(t)
	whole, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(path, append(unsealed(whole), make([]byte, 10_000)...), 0o644))
	must(t, SealOrphan(path))
	sealed, err := os.ReadFile(path)
	must(t, err)
	copy(sealed[sealAt:], whole[sealAt:sealEnd]) // who sealed it is the only difference
	if diff := cmp.Diff(whole, sealed); diff != "" {
		t.Errorf("the segment changed:\n%s", diff)
	}
}

func TestSealOrphanRefusesWhatIsNotWhole(t *testing.T) {
	path, _ := specimen(t)
	whole, err := os.ReadFile(path)
	must(t, err)
	corrupt := unsealed(whole)
	corrupt[pageSize+20] ^= 1
	for _, c := range []struct {
		name  string
		bytes []byte
		want  error
	}{
		{"a segment that was cut", unsealed(whole)[:len(whole)-5], ErrCorrupt},
		{"a segment with a block that is corrupt", corrupt, ErrCorrupt},
		{"a file that is no segment", []byte("what is this"), ErrNotHistory},
		{"a segment whose owner died in creating it, which has nothing to be sealed", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			must(t, os.WriteFile(path, c.bytes, 0o644))
			if err := SealOrphan(path); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			after, err := os.ReadFile(path)
			must(t, err)
			if diff := cmp.Diff(string(c.bytes), string(after)); diff != "" {
				t.Errorf("the file changed:\n%s", diff)
			}
		})
	}
}

func TestSealOrphanOfARecorderThatDiedBeforeItsFirstRecord(t *testing.T) {
	page, err := encodePage(Header{Life: 5})
	must(t, err)
	path := filepath.Join(t.TempDir(), "young.seg")
	must(t, os.WriteFile(path, append(page, make([]byte, firstChunk)...), 0o644))
	must(t, SealOrphan(path))
	h, err := Open(filepath.Dir(path))
	must(t, err)
	must(t, h.Verify())
	want := SegmentInfo{Header: Header{Life: 5}, Path: path, Bytes: pageSize, Sealed: SealedByHarness}
	if diff := cmp.Diff([]SegmentInfo{want}, h.Segments()); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

func TestSealOrphanOnEveryInstantOfARecording(t *testing.T) {
	// What a kill leaves is a committed length, and blocks up to it: any length at which a record ended.
	dir := t.TempDir()
	r := create(t, dir, "test")
	path := r.window.file.Name()
	for i := range 40 {
		if i%10 == 9 {
			must(t, r.nextBlock())
		} else {
			must(t, r.Record(&Event{Kind: Send, Msg: Msg{3, uint64(i + 1)}}))
		}
		image, err := os.ReadFile(path)
		must(t, err)
		orphan := filepath.Join(t.TempDir(), "orphan.seg")
		must(t, os.WriteFile(orphan, image, 0o644))
		must(t, SealOrphan(orphan))
		h, err := Open(filepath.Dir(orphan))
		must(t, err)
		must(t, h.Verify())
		if diff := cmp.Diff(read(t, path), read(t, orphan)); diff != "" {
			t.Fatalf("after %d steps, live (-) and sealed (+) differ:\n%s", i+1, diff)
		}
	}
	must(t, r.Close())
}
