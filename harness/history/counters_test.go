package history

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestCountersAreSeenFromOutsideAlsoAfterTheRecorderClosed(t *testing.T) {
	r := create(t, t.TempDir(), "test")
	live, err := WatchCounters(r.window.file.Name())
	must(t, err)
	c := r.Counters()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 1000 {
				c.Add(InFlight, 2)
				c.Add(InFlight, ^uint64(0))
			}
		})
	}
	all.Wait()
	c.Store(Custom4, 1<<63)
	check := func(when string) {
		t.Helper()
		for counter, want := range map[Counter]uint64{InFlight: 4000, Custom4: 1 << 63, Sent: 0} {
			if in, out := c.Load(counter), live.Load(counter); in != want || out != want {
				t.Errorf("%s, counter %d is %d inside and %d outside, want %d", when, counter, in, out, want)
			}
		}
	}
	check("while recording")
	must(t, r.Close())
	check("after Close")
	c.Add(Sent, 1)
	if got := live.Load(Sent); got != 1 {
		t.Errorf("a heartbeat after Close was not counted: %d", got)
	}
	must(t, live.Close())
	if got := live.Load(Sent); got != 0 {
		t.Errorf("a closed Live still answers %d", got)
	}
}

func TestWatchCountersRefuses(t *testing.T) {
	dir := t.TempDir()
	path, _ := specimen(t)
	whole, err := os.ReadFile(path)
	must(t, err)
	for _, c := range []struct {
		name  string
		bytes []byte
		want  error
	}{
		{"a file that does not exist", nil, fs.ErrNotExist},
		{"a segment that is only being created", []byte{}, ErrNotHistory},
		{"half a header page", whole[:pageSize/2], ErrNotHistory},
		{"another file", make([]byte, pageSize), ErrNotHistory},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(dir, "x.seg")
			if c.bytes != nil {
				must(t, os.WriteFile(path, c.bytes, 0o644))
			}
			if _, err := WatchCounters(path); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
}
