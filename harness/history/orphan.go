package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// SealOrphan seals the segment at path, whose owner is dead: it adds the checksum of the last block, marks the segment
// as sealed by the harness, gives back what was allocated in vain and syncs. A segment that is sealed already, and one
// whose owner died before it wrote the header page, stay as they are. It refuses a segment that was cut or is corrupt.
// It must not be called while the owner lives.
func SealOrphan(path string) error {
	if err := sealOrphan(path); err != nil {
		return fmt.Errorf("history: seal the orphan %s: %w", path, err)
	}
	return nil
}

func sealOrphan(path string) error {
	info, err := inspect(path)
	if err != nil || info.Sealed != Unsealed || info.Bytes < pageSize {
		return err
	}
	if info.Cut != "" {
		return fmt.Errorf("%w: %s", ErrCorrupt, info.Cut)
	}
	c, err := openCursor(&info, 0)
	if err != nil {
		return err
	}
	defer c.close()
	for more := true; more; {
		if more, err = c.advance(); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	end, err := sealLastBlock(f, c)
	if err == nil {
		err = writeSeal(f, end)
	}
	if err == nil {
		err = errors.Join(f.Truncate(end), f.Sync())
	}
	return errors.Join(err, f.Close())
}

// sealLastBlock writes the checksum of the block that c ended in. It returns where the segment ends.
func sealLastBlock(f *os.File, c *cursor) (int64, error) {
	start := c.offset + blockHeader
	switch {
	case c.offset == 0: // its owner died before the first record
		return c.end, nil
	case c.end == start: // … or before the first of a new block
		return c.offset, nil
	}
	records := make([]byte, c.end-start)
	if _, err := f.ReadAt(records, start); err != nil {
		return 0, err
	}
	_, err := f.WriteAt(binary.LittleEndian.AppendUint64(nil, blockWord(c.offset, records)), c.offset)
	return c.end, err
}

// writeSeal stores the committed length and the seal with one write, so that neither is ever seen without the other.
func writeSeal(f *os.File, end int64) error {
	words := binary.LittleEndian.AppendUint64(nil, uint64(end))
	words = binary.LittleEndian.AppendUint64(words, sealWord(end, SealedByHarness))
	_, err := f.WriteAt(words, committedAt)
	return err
}
