package history

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// SegmentInfo is what is known of a segment without reading its records.
type SegmentInfo struct {
	Header Header // zero if the segment was cut within it
	Path   string
	Bytes  int64 // that can be read, the header page included
	Sealed Sealing
	Cut    string // empty: whole. Otherwise what is missing, in words
}

// History is a folder of segments, as they were when it was opened: what recorders that still run write later, it
// does not show. It holds no file open and may be read by several goroutines at once, each with an iteration of its
// own.
type History struct {
	segments []SegmentInfo
}

// Open looks at every segment below dir, in the order of their paths. Errors name the file and wrap ErrNotHistory,
// ErrVersion or ErrCorrupt. A segment that was cut, at whatever byte, is not an error: its SegmentInfo says so.
func Open(dir string) (*History, error) {
	h := &History{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, Extension) {
			return err
		}
		info, err := inspect(path)
		if err != nil {
			return fmt.Errorf("%w (%s)", err, path)
		}
		h.segments = append(h.segments, info)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("history: open %s: %w", dir, err)
	}
	if len(h.segments) == 0 {
		return nil, fmt.Errorf("%w: %s holds no file ending in %s", ErrNotHistory, dir, Extension)
	}
	return h, nil
}

// Segments tells of each segment, by the index that Event.Segment has.
func (h *History) Segments() []SegmentInfo { return slices.Clone(h.segments) }

// Verify reads everything and checks every checksum, several segments at a time. It returns the errors of all, joined.
func (h *History) Verify() error {
	errs := make([]error, len(h.segments))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(h.segments)) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(h.segments)); i = next.Add(1) - 1 {
				errs[i] = h.verify(int(i))
			}
		})
	}
	workers.Wait()
	return errors.Join(errs...)
}

func (h *History) verify(i int) error {
	c, err := openCursor(&h.segments[i], i)
	if err != nil {
		return err
	}
	defer c.close()
	for {
		if more, err := c.advance(); !more {
			return err
		}
	}
}

// inspect reads the header page of the segment at path.
func inspect(path string) (SegmentInfo, error) {
	info := SegmentInfo{Path: path}
	f, err := os.Open(path)
	if err != nil {
		return info, err
	}
	defer f.Close()
	n, header, committed, sealing, err := readPage(f)
	if errors.Is(err, ErrCorrupt) {
		// The owner may have sealed the segment while the page was read; it does so only once.
		n, header, committed, sealing, err = readPage(f)
	}
	if err != nil {
		return info, err
	}
	info.Header, info.Sealed = header, sealing
	// Only now: a live segment grows before the committed length does.
	stat, err := f.Stat()
	if err != nil {
		return info, err
	}
	switch size := stat.Size(); {
	case n < pageSize:
		info.Bytes = int64(n)
		info.Cut = fmt.Sprintf("ends at byte %d, within the header page of %d: nothing can be read", n, pageSize)
	case size < committed:
		info.Bytes = size
		info.Cut = fmt.Sprintf("ends at byte %d, %d short of the %d that were recorded", size, committed-size, committed)
	default:
		info.Bytes = committed
	}
	return info, nil
}

// readPage reads what there is of the header page, n bytes of it.
func readPage(f *os.File) (n int, h Header, committed int64, s Sealing, err error) {
	page := make([]byte, pageSize)
	if n, err = f.ReadAt(page, 0); err != nil && !errors.Is(err, io.EOF) {
		return n, h, 0, 0, err
	}
	h, committed, s, err = decodePage(page[:n])
	return n, h, committed, s, err
}
