package history

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// A Tail follows a folder of segments while they are being written: of recorders that live, of those that are yet to be
// made, and of those that died without a seal. It merges them as History.Events does, up to an instant that the caller
// names. It is not safe for concurrent use.
//
// What may be handed out? Nobody can know whether a recorder has taken a stamp and not committed it yet: its process may
// be stopped between the two for as long as a fault wants. So a Tail does not wait for anybody. It promises less, and
// this for certain, as long as the instant that it is given has passed when it is called: what was recorded before
// something else became visible to anybody is handed out no later than whatever tells of the latter. (It was committed before
// the other's stamp was taken, so before the call, and all committed lengths are read after that.) A send is there with its copies,
// and everything that a lane did is there with the end of its checkpoint. An event without such consequences may
// come after ones with a later stamp. Then Late counts it, and a reader who minds must read again: Before.
type Tail struct {
	dir      string
	segments map[string]*tailed
	heads    tailHeap
	until    int64 // everything before it was handed out, but for what comes late
	late     int64
}

// Follow makes a Tail of the folder dir, which need not have a segment yet.
func Follow(dir string) *Tail { return &Tail{dir: dir, segments: map[string]*tailed{}} }

// Late is how many events came after others with a later stamp had been handed out.
func (t *Tail) Late() int64 { return t.late }

// Close lets go of all segments.
func (t *Tail) Close() error {
	var errs []error
	for _, s := range t.segments {
		errs = append(errs, s.close())
	}
	t.heads = nil
	return errors.Join(errs...)
}

// Read hands out in order what was recorded before until (ticks, see FloorTicks), and not handed out before. The event is valid
// until see returns; an error of see ends the reading, and the next one goes on behind that event. Event.Segment counts
// the segments as they were found. Errors wrap ErrCorrupt, ErrNotHistory or ErrVersion and name the file.
func (t *Tail) Read(ctx context.Context, until int64, see func(*Event) error) error {
	if err := t.look(); err != nil {
		return err
	}
	for n := 1; len(t.heads) > 0 && t.heads[0].event.Time < until; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return fmt.Errorf("history: follow: %w", ctx.Err())
		}
		s := t.heads[0]
		s.latest = max(s.latest, s.event.Time)
		// An invocation whose lower bound is earlier than the completion before it is not late: it follows that one.
		if s.latest < t.until {
			t.late++
		}
		event := s.event
		more, err := s.next()
		if err != nil {
			return err
		}
		if more {
			heap.Fix(&t.heads, 0)
		} else {
			heap.Pop(&t.heads)
		}
		if err := see(&event); err != nil {
			return err
		}
	}
	t.until = max(t.until, until)
	return nil
}

// look finds new segments and what was added to the others.
func (t *Tail) look() error {
	err := filepath.WalkDir(t.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, Extension) || t.segments[path] != nil {
			return err
		}
		s, err := openTailed(path, len(t.segments))
		if s != nil {
			t.segments[path] = s
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("history: follow %s: %w", t.dir, err)
	}
	for _, s := range t.segments {
		known := s.waiting
		if err := s.grow(); err != nil {
			return err
		}
		if s.waiting && !known {
			heap.Push(&t.heads, s)
		}
	}
	return nil
}

// tailHeap is the segments whose next event is known, the earliest on top.
type tailHeap []*tailed

func (h tailHeap) Len() int { return len(h) }
func (h tailHeap) Less(i, j int) bool {
	a, b := h[i], h[j]
	return cmp.Or(cmp.Compare(a.event.Time, b.event.Time), cmp.Compare(roundUp[a.event.Kind], roundUp[b.event.Kind]),
		cmp.Compare(a.decoder.seg, b.decoder.seg)) < 0
}
func (h tailHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *tailHeap) Push(x any)   { *h = append(*h, x.(*tailed)) }
func (h *tailHeap) Pop() any {
	last := len(*h) - 1
	s := (*h)[last]
	*h = (*h)[:last]
	return s
}
