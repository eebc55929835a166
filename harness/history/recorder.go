package history

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
)

// A Recorder writes one segment. What Record returned nil for survives SIGKILL of the process at any instruction.
// It is not safe for concurrent use: each goroutine that records has a Recorder of its own. Counters are.
type Recorder struct {
	window    window
	counters  *Counters
	committed *atomic.Uint64 // in the header page
	seal      *atomic.Uint64 // in the header page

	encoder encoder
	pos     int64 // where the next record goes: an offset in the file
	block   int64 // where the current block starts
	room    int64 // records that end before are written without further thought: the block goes on and there is space
	err     error // sticky
	silent  bool  // between the clock's check and the seal nothing is written
}

// CreateSilent makes a Recorder that drops what it is given: its segment has a clock's check, live figures and a seal, and is
// otherwise empty. It shows what the same client costs that is not recorded; nothing of it can be audited.
func CreateSilent(path string, h Header) (*Recorder, error) {
	r, err := Create(path, h)
	if err != nil {
		return nil, err
	}
	r.silent = true
	return r, nil
}

// Create makes the segment at path, which must end in Extension and not exist yet, and records the clock's check.
// An error of a full file system wraps ErrFull, that of an existing segment fs.ErrExist; no file is left behind.
func Create(path string, h Header) (*Recorder, error) {
	if !strings.HasSuffix(path, Extension) {
		return nil, fmt.Errorf("history: create %s: the name of a segment must end in %s: %w", path, Extension, fs.ErrInvalid)
	}
	page, err := encodePage(h)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, fmt.Errorf("history: create: %w", err)
	}
	r, err := start(f, page)
	if err != nil {
		_ = f.Close()
		_ = os.Remove(path)
		return nil, err
	}
	return r, nil
}

// start writes the header page in one go and before anything else, so that a file without one is an empty file.
func start(f *os.File, page []byte) (*Recorder, error) {
	if _, err := f.WriteAt(page, 0); err != nil {
		return nil, allocationError(err, f, 0, pageSize)
	}
	counters, err := mapCounters(f)
	if err != nil {
		return nil, err
	}
	r := &Recorder{
		window:    window{file: f, start: pageSize},
		counters:  counters,
		committed: word(counters.page, committedAt),
		seal:      word(counters.page, sealAt),
		block:     pageSize,
		pos:       pageSize + blockHeader,
	}
	if err := r.window.extend(pageSize, firstChunk); err != nil {
		return nil, err
	}
	r.setRoom()
	if err := r.Record(&Event{Kind: ClockCheck, Count: uint64(clock.width)}); err != nil {
		return nil, err
	}
	return r, nil
}

// Counters are the live figures of the segment.
func (r *Recorder) Counters() *Counters { return r.counters }

// Now is a lower bound for this instant in ticks: for the Time of several invocations that begin together.
func (r *Recorder) Now() int64 { return FloorTicks(Clock()) }

// Until is an upper bound for this instant in ticks: for the Time of several completions that were all over by now.
func (r *Recorder) Until() int64 { return CeilTicks(Clock()) }

// Record writes e. If e.Time is 0 it reads the clock and rounds outwards: down for invocations, up for completions.
// A Time that is given may be earlier than that of the record before for an invocation, since a lower bound stays one;
// that of a completion is raised to it. e is neither kept nor changed, and its Segment and Life are ignored.
//
// An error that wraps ErrNotRecordable concerns e alone. Any other is final: every later Record returns it too. One
// that wraps ErrFull still leaves room for an Abort of some thousand bytes, and for Close.
func (r *Recorder) Record(e *Event) error {
	if r.silent {
		return nil
	}
	time := e.Time
	if time == 0 {
		time = (Clock() + roundUp[e.Kind]) / nanosPerTick
	}
	if time < r.encoder.last && roundUp[e.Kind] != 0 {
		time = r.encoder.last
	}
	size := int64(maxNumbers + len(e.Name) + len(e.Text))
	if r.pos+size > r.room || e.Kind-1 >= lastKind {
		if err := r.makeRoom(e, size); err != nil {
			return err
		}
	}
	at := r.pos - r.window.start
	record := r.encoder.append(r.window.bytes[at:at], e, time)
	r.pos += int64(len(record))
	r.committed.Store(uint64(r.pos))
	runtime.KeepAlive(r) // and with it the header page
	return nil
}

// makeRoom prepares for an event that is not simply the next one of its block, or says why it cannot be recorded.
func (r *Recorder) makeRoom(e *Event, size int64) error {
	if e.Kind-1 >= lastKind {
		return fmt.Errorf("%w: unknown kind %d", ErrNotRecordable, e.Kind)
	}
	if n := max(len(e.Name), len(e.Text)); n > MaxString {
		return fmt.Errorf("%w: %s with a string of %d bytes, at most %d fit", ErrNotRecordable, e.Kind, n, MaxString)
	}
	if r.err != nil {
		return r.lastWords(e, size)
	}
	if r.pos-r.block >= blockTarget {
		r.err = r.nextBlock()
	}
	if r.err == nil {
		r.err = r.grow(size)
	}
	if r.err != nil {
		r.room = 0
		return r.lastWords(e, size)
	}
	r.setRoom()
	return nil
}

// grow allocates until size bytes fit before the reserve.
func (r *Recorder) grow(size int64) error {
	for r.pos+size > r.window.end()-reserve {
		if err := r.window.extend(r.block, nextChunk); err != nil {
			return err
		}
	}
	return nil
}

// lastWords lets an Abort and a Seal have what was kept in reserve for them, and refuses everything else.
func (r *Recorder) lastWords(e *Event, size int64) error {
	end := r.window.end()
	if e.Kind == Abort {
		end -= sealReserve
	}
	if e.Kind != Abort && e.Kind != Seal || r.pos+size > end {
		return r.err
	}
	return nil
}

func (r *Recorder) setRoom() {
	// The block may end with a record that begins just before its target.
	r.room = min(r.block+blockTarget+maxNumbers, r.window.end()-reserve)
}

// nextBlock seals the current block and starts another. The new block's header is committed with it: a reader takes a
// block that is followed by another for sealed.
func (r *Recorder) nextBlock() error {
	if err := r.grow(blockAlign + blockHeader); err != nil {
		return err
	}
	r.sealBlock()
	r.block = r.pos
	r.pos += blockHeader
	r.encoder.reset()
	r.committed.Store(uint64(r.pos))
	return nil
}

// sealBlock fills the current block up with zeros and stores its length and checksum.
func (r *Recorder) sealBlock() {
	bytes := r.window.bytes
	for ; r.pos%blockAlign != 0; r.pos++ {
		bytes[r.pos-r.window.start] = 0
	}
	head, end := r.block-r.window.start, r.pos-r.window.start
	sealed := blockWord(r.block, bytes[head+blockHeader:end])
	word(bytes, int(head)).Store(sealed)
	r.committed.Store(uint64(r.pos))
}

// Close records a Seal, seals the segment, gives back what was allocated in vain and syncs, also after ErrFull. What
// was recorded can be read even if it fails. A second Close returns ErrClosed.
func (r *Recorder) Close() error {
	if r.window.bytes == nil {
		return ErrClosed
	}
	r.silent = false
	err := r.Record(&Event{Kind: Seal})
	if err == nil {
		r.sealBlock()
		r.seal.Store(sealWord(r.pos, SealedByOwner))
	}
	f := r.window.file
	err = errors.Join(err, r.window.close(), f.Truncate(r.pos), f.Sync(), f.Close())
	r.err, r.room = ErrClosed, 0
	if err != nil {
		return fmt.Errorf("history: close %s: %w", f.Name(), err)
	}
	return nil
}
