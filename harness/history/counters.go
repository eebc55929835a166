package history

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Counter names one live figure of a segment. The numbers are part of the file format: never renumber, only append.
type Counter int

const (
	Sent            Counter = iota // attempts handed to the client library
	AckedSends                     // attempts confirmed
	RejectedSends                  // attempts certainly never accepted
	UnknownOutcomes                // attempts whose outcome is unknown
	InFlight                       // gauge: attempts without an outcome
	Received                       // deliveries
	Held                           // gauge: deliveries that are not acknowledged
	Applied                        // effects done
	AppliedUnacked                 // gauge: effects done whose delivery is not acknowledged
	AckedByConsumer                // acknowledgements confirmed, or sent where none is confirmed
	InTransaction                  // gauge: 1 while a transaction is open
	Heartbeat                      // ticks of the last beat
	DrainIdle                      // set by a consumer that has nothing left to do while draining
	Custom1
	Custom2
	Custom3
	Custom4
	Hits // frames that a fault did something to
	countersKnown
)

// Counters are live figures in the header page of a segment. They outlive the process and say nothing that the
// events do not say; a parent reads them with WatchCounters. Safe for concurrent use, also after the recorder was
// closed.
type Counters struct {
	page []byte
}

// mapCounters maps the header page of a segment of its own accord, so that a goroutine which still counts while the
// recorder is closed does no harm. The page is unmapped when nobody holds the Counters any more.
func mapCounters(f *os.File) (*Counters, error) {
	page, err := unix.Mmap(int(f.Fd()), 0, pageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("history: map the header page of %s: %w", f.Name(), err)
	}
	c := &Counters{page: page}
	runtime.AddCleanup(c, func(page []byte) { _ = unmap(page) }, page)
	return c, nil
}

// Add adds delta to a counter. To subtract, add the two's complement: Add(Held, ^uint64(0)) takes one away.
func (c *Counters) Add(i Counter, delta uint64) {
	c.word(i).Add(delta)
	runtime.KeepAlive(c)
}

// Store sets a counter.
func (c *Counters) Store(i Counter, value uint64) {
	c.word(i).Store(value)
	runtime.KeepAlive(c)
}

// Load is the value of a counter now.
func (c *Counters) Load(i Counter) uint64 {
	v := c.word(i).Load()
	runtime.KeepAlive(c)
	return v
}

func (c *Counters) word(i Counter) *atomic.Uint64 {
	return word(c.page, counterOffset(i))
}

// word is the number at a multiple of 8 in a mapping, to be written in the machine's byte order: the format is that of
// little-endian machines, and only they can record.
func word(page []byte, at int) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(&page[at : at+8][0]))
}

func counterOffset(i Counter) int {
	if i < 0 || i >= countersKnown {
		panic(fmt.Sprintf("history: there is no counter %d", int(i)))
	}
	return countersAt + 8*int(i)
}

// Live reads the counters of a segment from another process than its recorder's, whether that runs, is stopped or
// is dead. Safe for concurrent use.
type Live struct {
	file *os.File
}

// WatchCounters opens the counters of the segment at path. An error wraps ErrNotHistory while the recorder is only
// just making the file, fs.ErrNotExist before.
func WatchCounters(path string) (*Live, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("history: watch counters: %w", err)
	}
	page := make([]byte, pageSize)
	n, err := f.ReadAt(page, 0)
	if n == pageSize {
		_, _, _, err = decodePage(page)
	} else {
		err = fmt.Errorf("%w: header page of %d bytes: %w", ErrNotHistory, n, err)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%w (%s)", err, path)
	}
	return &Live{file: f}, nil
}

// Load is the value of a counter now; 0 after Close.
func (l *Live) Load(i Counter) uint64 {
	var b [8]byte
	// Not by a mapping: that would turn a segment cut by someone else into a SIGBUS of the harness.
	if _, err := l.file.ReadAt(b[:], int64(counterOffset(i))); err != nil {
		return 0
	}
	return binary.LittleEndian.Uint64(b[:])
}

// Close lets go of the segment.
func (l *Live) Close() error { return l.file.Close() }
