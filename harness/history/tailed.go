package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// A tailed segment is read as far as its recorder has committed it, and further when there is more.
type tailed struct {
	path    string
	file    *os.File // nil once everything was read of a sealed one
	decoder decoder
	event   Event // the next one, while waiting
	waiting bool
	latest  int64 // the highest stamp handed out

	committed int64  // as it was looked at last
	sealed    bool   // then nothing is added any more
	block     int64  // where the current block starts
	records   []byte // what is known of it
	whole     bool   // that is all of it
}

// openTailed opens a segment. It returns nil while the recorder is only just making it.
func openTailed(path string, index int) (*tailed, error) {
	info, err := inspect(path)
	if err != nil {
		return nil, fmt.Errorf("%w (%s)", err, path)
	}
	if info.Bytes < pageSize {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	s := &tailed{path: path, file: f, block: pageSize, decoder: decoder{seg: index, life: info.Header.Life}}
	s.decoder.open(nil)
	return s, nil
}

func (s *tailed) close() error {
	f := s.file
	if s.file = nil; f == nil {
		return nil
	}
	return f.Close()
}

// grow looks at the committed length again, and for the next event, where that is not known yet.
func (s *tailed) grow() error {
	if s.file == nil {
		return nil
	}
	// The seal first: where there is one, the committed length is the last.
	for _, word := range []struct {
		at   int64
		take func(uint64)
	}{
		{sealAt, func(seal uint64) { s.sealed = seal != 0 }},
		{committedAt, func(length uint64) { s.committed = int64(length) }},
	} {
		var b [8]byte
		if err := s.read(b[:], word.at); err != nil {
			return err
		}
		word.take(binary.LittleEndian.Uint64(b[:]))
	}
	if s.waiting {
		return nil
	}
	more, err := s.next()
	if err == nil && !more && s.sealed {
		err = s.close()
	}
	return err
}

// next reads the next event of a known kind into s.event. It returns false where there is none yet.
func (s *tailed) next() (bool, error) {
	s.waiting = false
	for s.file != nil {
		ok, err := s.decoder.next(&s.event)
		switch {
		case err != nil:
			return false, fmt.Errorf("%w: %s at byte %d: %w", ErrCorrupt, s.path, s.block+blockHeader+int64(s.decoder.at), err)
		case ok && s.event.Kind <= lastKind:
			s.waiting = true
			return true, nil
		case ok:
			continue // from a newer writer
		}
		if more, err := s.more(); !more || err != nil {
			return false, err
		}
	}
	return false, nil
}

// more gives the decoder what was committed since: of the current block, or the next one.
func (s *tailed) more() (bool, error) {
	if s.whole {
		next := s.block + blockHeader + int64(len(s.records))
		s.block, s.records, s.whole = next, s.records[:0], false
		s.decoder.open(s.records)
	}
	start := s.block + blockHeader
	if s.committed < start {
		return false, nil
	}
	// The header is written before the committed length passes the block's last record, and was read after that length: what lies
	// below the length is records and padding of this block as long as there is no header.
	var header [blockHeader]byte
	if err := s.read(header[:], s.block); err != nil {
		return false, err
	}
	word, end := binary.LittleEndian.Uint64(header[:]), s.committed
	if length := int64(uint32(word)); word != 0 && start+length <= end {
		end, s.whole = start+length, true
	}
	if s.sealed && !s.whole || end-start > maxBlock {
		return false, fmt.Errorf("%w: %s at byte %d: a block without a length that can be", ErrCorrupt, s.path, s.block)
	}
	known := len(s.records)
	fresh := int(end-start) - known
	s.records = append(s.records, make([]byte, max(0, fresh))...)
	if err := s.read(s.records[known:], start+int64(known)); err != nil {
		return false, err
	}
	if s.whole && blockWord(s.block, s.records) != word {
		return false, fmt.Errorf("%w: %s at byte %d: the checksum of the block is wrong", ErrCorrupt, s.path, s.block)
	}
	s.decoder.block = s.records // where it had come to the end, it goes on
	return fresh > 0 || s.whole, nil
}

func (s *tailed) read(b []byte, offset int64) error {
	if _, err := s.file.ReadAt(b, offset); err != nil {
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: %s at byte %d: it is shorter than what was committed", ErrCorrupt, s.path, offset)
		}
		return fmt.Errorf("history: follow %s at byte %d: %w", s.path, offset, err)
	}
	return nil
}
