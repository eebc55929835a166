package planted

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/raft"
)

func entries(from, to uint64) (ls []*raft.Log) {
	for i := from; i <= to; i++ {
		ls = append(ls, &raft.Log{Index: i, Term: 2, Type: raft.LogCommand, Data: fmt.Appendf(nil, "entry %d", i)})
	}
	return ls
}

func opened(t *testing.T, path string) *logStore {
	t.Helper()
	s, err := openLog(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.close() }) //nolint:errcheck // some tests close it themselves
	return s
}

func holds(t *testing.T, s *logStore, last uint64) {
	t.Helper()
	if got, err := s.LastIndex(); err != nil || got != last {
		t.Fatalf("the last entry is %d, %v; want %d", got, err, last)
	}
	for i := uint64(1); i <= last; i++ {
		var l raft.Log
		if err := s.GetLog(i, &l); err != nil || string(l.Data) != fmt.Sprintf("entry %d", i) || l.Term != 2 {
			t.Fatalf("entry %d is %+v, %v", i, l, err)
		}
	}
	if err := s.GetLog(last+1, &raft.Log{}); !errors.Is(err, raft.ErrLogNotFound) {
		t.Fatalf("behind the last: %v", err)
	}
}

func TestALogIsReadBackAfterARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	s := opened(t, path)
	for i := uint64(1); i <= 2*recentMost; i += 4 {
		if err := s.StoreLogs(entries(i, i+3)); err != nil {
			t.Fatal(err)
		}
	}
	holds(t, s, 2*recentMost)
	if err := s.DeleteRange(recentMost, 2*recentMost); err != nil {
		t.Fatal(err)
	}
	holds(t, s, recentMost-1)
	if err := errors.Join(s.StoreLogs(entries(recentMost, recentMost+3)), s.close()); err != nil {
		t.Fatal(err)
	}
	holds(t, opened(t, path), recentMost+3)
}

// The end of a file may be torn when power is lost: what was not synced, and never acknowledged.
func TestATornTailIsCutOffAndTheRestIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	s := opened(t, path)
	if err := errors.Join(s.StoreLogs(entries(1, 5)), s.close()); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	one := len(whole) / 5
	for cut := 1; cut < one; cut++ {
		if err := os.WriteFile(path, whole[:len(whole)-cut], 0o644); err != nil {
			t.Fatal(err)
		}
		holds(t, opened(t, path), 4)
		// What is left behind the end would be read again behind a shorter entry.
		if info, err := os.Stat(path); err != nil || info.Size() != int64(4*one) {
			t.Fatalf("the file has %d bytes, %v; want %d", info.Size(), err, 4*one)
		}
	}
	flipped := append([]byte(nil), whole...)
	flipped[len(flipped)-1] ^= 1
	if err := os.WriteFile(path, flipped, 0o644); err != nil {
		t.Fatal(err)
	}
	s = opened(t, path)
	holds(t, s, 4)
	if err := s.StoreLogs(entries(5, 6)); err != nil {
		t.Fatal(err)
	}
	holds(t, s, 6)
}

func TestALogTakesNoGapAndDropsNoHead(t *testing.T) {
	s := opened(t, filepath.Join(t.TempDir(), "log"))
	if err := s.StoreLogs(entries(1, 3)); err != nil {
		t.Fatal(err)
	}
	if err := s.StoreLogs(entries(5, 5)); err == nil {
		t.Error("entry 5 was taken after entry 3")
	}
	if err := s.DeleteRange(1, 2); err == nil {
		t.Error("the head of the log was dropped")
	}
	holds(t, s, 3)
}

func TestAVoteOutlivesARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "votes")
	s, err := openVotes(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.SetUint64([]byte("term"), 7), s.Set([]byte("for"), []byte("n2"))); err != nil {
		t.Fatal(err)
	}
	if s, err = openVotes(path); err != nil {
		t.Fatal(err)
	}
	term, err := s.GetUint64([]byte("term"))
	who, err2 := s.Get([]byte("for"))
	if err != nil || err2 != nil || term != 7 || string(who) != "n2" {
		t.Errorf("term %d, vote %q, %v, %v", term, who, err, err2)
	}
}
