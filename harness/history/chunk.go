package history

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Chunks are allocated on the file system before they are mapped: writing to a mapped page that has no room behind it
// is a SIGBUS, which ends the process.
const (
	firstChunk = 64 << 10
	nextChunk  = 1 << 20

	// reserve is kept free at the end of what was allocated, so that a recorder that finds the disk full can still
	// tell so and seal; sealReserve of it is for the seal alone.
	reserve     = 8 << 10
	sealReserve = 1 << 10
)

// A window is the mapped part of a segment: from the page in which the current block starts to the end of what was
// allocated.
type window struct {
	file  *os.File
	bytes []byte
	start int64 // offset of bytes[0] in the file
}

func (w *window) end() int64 { return w.start + int64(len(w.bytes)) }

// extend allocates n bytes more than the file has and moves the window, so that it begins in the page that holds from.
// On an error the window stays as it was. Errors of a full file system wrap ErrFull.
func (w *window) extend(from, n int64) error {
	end := w.end()
	if err := allocate(w.file, end, n); err != nil {
		return err
	}
	start := from &^ (pageSize - 1)
	bytes, err := unix.Mmap(int(w.file.Fd()), start, int(end+n-start), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("history: map %s: %w", w.file.Name(), err)
	}
	old := w.bytes
	w.bytes, w.start = bytes, start
	return unmap(old)
}

func (w *window) close() error {
	old := w.bytes
	w.bytes = nil
	return unmap(old)
}

func unmap(b []byte) error {
	if b == nil {
		return nil
	}
	if err := unix.Munmap(b); err != nil {
		return fmt.Errorf("history: unmap: %w", err)
	}
	return nil
}

// allocate makes room for n bytes at offset, which from then on can be written without fail.
func allocate(f *os.File, offset, n int64) error {
	err := unix.Fallocate(int(f.Fd()), 0, offset, n)
	for errors.Is(err, unix.EINTR) {
		err = unix.Fallocate(int(f.Fd()), 0, offset, n)
	}
	if errors.Is(err, unix.EOPNOTSUPP) {
		err = writeZeros(f, offset, n)
	}
	if err != nil {
		return allocationError(err, f, offset, n)
	}
	return nil
}

// allocationError wraps ErrFull if that is what err means.
func allocationError(err error, f *os.File, offset, n int64) error {
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) || errors.Is(err, unix.EFBIG) {
		return fmt.Errorf("%w: %d bytes at %d of %s: %w", ErrFull, n, offset, f.Name(), err)
	}
	return fmt.Errorf("history: allocate %d bytes at %d of %s: %w", n, offset, f.Name(), err)
}

// writeZeros allocates where the file system cannot do it by itself.
func writeZeros(f *os.File, offset, n int64) error {
	zeros := make([]byte, min(n, firstChunk))
	for n > 0 {
		wrote, err := f.WriteAt(zeros[:min(n, int64(len(zeros)))], offset)
		if err != nil {
			return err
		}
		offset, n = offset+int64(wrote), n-int64(wrote)
	}
	return nil
}
