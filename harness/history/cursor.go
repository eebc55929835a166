package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// A cursor reads one segment from its beginning up to a length fixed when it was opened.
type cursor struct {
	file    *os.File
	decoder decoder
	event   Event // the head: valid after next returned true

	path     string
	offset   int64 // of the current block, 0 before the first
	next     int64 // of the block after it
	end      int64 // of what can be read
	sealed   bool  // the segment is: every block has a checksum
	cut      bool  // the file is shorter than was committed: it may end within a record
	complete bool  // the current block ends before the cut
	buffer   []byte
}

func openCursor(s *SegmentInfo, index int) (*cursor, error) {
	f, err := os.Open(s.Path)
	if err != nil {
		return nil, fmt.Errorf("history: read: %w", err)
	}
	return &cursor{
		file: f, path: s.Path, next: pageSize, end: s.Bytes, sealed: s.Sealed != Unsealed, cut: s.Cut != "",
		decoder: decoder{seg: index, life: s.Header.Life},
	}, nil
}

func (c *cursor) close() error { return c.file.Close() }

// advance reads the next event of a known kind into c.event. It returns false at the end.
func (c *cursor) advance() (bool, error) {
	e, err := c.record()
	if e == nil {
		return false, err
	}
	c.event = *e
	return true, nil
}

// record reads the next event of a known kind, valid until it is called again. It returns nil at the end.
func (c *cursor) record() (*Event, error) {
	e, err := c.decoder.record()
	if e != nil && e.Kind <= lastKind {
		return e, nil
	}
	return c.further(e, err)
}

// further goes on where the decoder had no event of a known kind.
func (c *cursor) further(e *Event, err error) (*Event, error) {
	for {
		switch {
		case err == nil && e != nil && e.Kind <= lastKind:
			return e, nil
		case err == nil && e != nil: // from a newer writer
		case errors.Is(err, errShort) && !c.complete:
			return nil, nil // what the cut left of a record
		case err != nil:
			return nil, fmt.Errorf("%w: %s at byte %d: %w", ErrCorrupt, c.path, c.offset+blockHeader+int64(c.decoder.at), err)
		default:
			if more, err := c.nextBlock(); !more || err != nil {
				return nil, err
			}
		}
		e, err = c.decoder.record()
	}
}

// nextBlock reads the next block. It returns false if there is none.
func (c *cursor) nextBlock() (bool, error) {
	offset := c.next
	if c.end-offset < blockHeader {
		if c.end > offset && !c.cut {
			return false, c.corrupt(offset, "a block of %d bytes", c.end-offset)
		}
		return false, nil
	}
	var header [blockHeader]byte
	if err := c.read(header[:], offset); err != nil {
		return false, err
	}
	word := binary.LittleEndian.Uint64(header[:])
	length, start := int64(uint32(word)), offset+blockHeader
	c.next = start + length
	// The last block of a segment that is not sealed has no checksum, or is just being given one.
	open := !c.sealed && (length == 0 || c.next >= c.end)
	switch {
	case open && length == 0 && word != 0:
		return false, c.corrupt(offset, "a checksum without a length")
	case open:
		c.next, c.complete = c.end, !c.cut
	case length == 0 || length > maxBlock:
		return false, c.corrupt(offset, "a block with %d bytes of records", length)
	case c.next > c.end && !c.cut:
		return false, c.corrupt(offset, "a block of %d bytes, where %d are left", length, c.end-start)
	case c.next > c.end:
		c.next, c.complete = c.end, false
	default:
		c.complete = true
	}
	if c.next-start > maxBlock {
		return false, c.corrupt(offset, "a last block of %d bytes", c.next-start)
	}
	records := c.room(int(c.next - start))
	if err := c.read(records, start); err != nil {
		return false, err
	}
	if !open && c.complete && blockWord(offset, records) != word {
		return false, c.corrupt(offset, "the checksum of the block is wrong")
	}
	c.offset = offset
	c.decoder.open(records)
	return true, nil
}

// room is a buffer for n bytes, used again for every block.
func (c *cursor) room(n int) []byte {
	if cap(c.buffer) < n {
		c.buffer = make([]byte, max(n, blockTarget+pageSize))
	}
	return c.buffer[:n]
}

func (c *cursor) read(b []byte, offset int64) error {
	if _, err := c.file.ReadAt(b, offset); err != nil {
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: %s at byte %d: it became shorter while it was read", ErrCorrupt, c.path, offset)
		}
		return fmt.Errorf("history: read %s at byte %d: %w", c.path, offset, err)
	}
	return nil
}

func (c *cursor) corrupt(offset int64, format string, args ...any) error {
	return fmt.Errorf("%w: %s at byte %d: %s", ErrCorrupt, c.path, offset, fmt.Sprintf(format, args...))
}
