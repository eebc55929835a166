package frames

import (
	"bytes"
	"math"
)

// half follows the frames of one direction.
type half struct {
	chooser
	read func([]byte) (frame, bool, error)

	now  frame  // the one that the stream is in
	left int64  // bytes of it to come; 0 at the boundary of two
	fate fate   // of its bytes
	lost bool   // what comes is not understood, and not looked at
	head []byte // the beginning of a frame that does not say yet what it is
}

// fate is what becomes of the bytes of a frame as they come.
type fate uint8

const (
	passes   fate = iota
	vanishes      // they go nowhere
	kept          // they are put aside until the frame is whole
)

// stretch is the next bytes of one frame.
type stretch struct {
	n           int  // how many; 0 asks for more
	first, last bool // whether the frame begins and ends with them
}

// next finds the stretch at the beginning of b, and makes h.now its frame.
func (h *half) next(b []byte) (s stretch) {
	if h.lost {
		h.fate = passes
		return stretch{n: len(b)}
	}
	if h.left == 0 {
		f, ok, err := h.read(b)
		switch {
		case err != nil:
			h.lost, h.fate, h.now = true, passes, frame{}
			return stretch{n: len(b)}
		case !ok:
			return stretch{}
		}
		h.now, h.left, h.fate, s.first = f, f.size, passes, true
		if f.line {
			h.left = math.MaxInt64
		}
	}
	s.n = int(min(int64(len(b)), h.left))
	if h.now.line {
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			s.n, h.left = i+1, int64(i+1)
		} else {
			h.left = math.MaxInt64
		}
	}
	if h.left != math.MaxInt64 {
		h.left -= int64(s.n)
	}
	s.last = h.left == 0
	if s.last && h.now.end != 0 && b[s.n-1] != h.now.end {
		h.lost = true // from the next byte on: these still share the fate of their frame
	}
	return s
}

// between reports whether what has passed ends with a whole frame.
func (h *half) between() bool { return !h.lost && (h.left == 0 || h.fate != passes) }
