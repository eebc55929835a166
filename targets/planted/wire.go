package planted

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A frame is its length in four bytes, a kind, the number of the request, and a body. An answer has the number of what it answers, and a
// code for a kind. Numbers are big endian; a text is its length in two bytes, then its bytes.
const (
	frameHead = 4 + 1 + 8
	frameMost = 16 << 20
)

// Kinds of requests. Those up to lastForwarded are carried out by the leader: another node passes them on.
const (
	askPublish = iota + 1
	askFetch
	askAck
	askJoin
	askLeft
	askOutputs
	askEnd
	askDepth
	askCreate
	askDelete
	askRestarted
	lastForwarded = askRestarted

	askPing = iota + 40
	askStatus
	askScan
	askReadOutputs
	askTransfer
)

// Codes of answers.
const (
	codeDone        = iota + 1
	codeUnavailable // whether it was done is not known: no leader, or not this one any more
	codeRefused     // certainly not done; the body says why
)

var errFrame = errors.New("planted: not a frame")

// frame is one request or answer.
type frame struct {
	kind byte
	id   uint64
	body []byte
}

func appendFrame(to []byte, f frame) []byte {
	to = binary.BigEndian.AppendUint32(to, uint32(frameHead-4+len(f.body)))
	to = append(to, f.kind)
	to = binary.BigEndian.AppendUint64(to, f.id)
	return append(to, f.body...)
}

// readFrame reads one frame; its body is the caller's to keep.
func readFrame(r *bufio.Reader) (frame, error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return frame{}, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n < frameHead-4 || n > frameMost {
		return frame{}, fmt.Errorf("%w: a length of %d bytes: want %d to %d", errFrame, n, frameHead-4, frameMost)
	}
	f := frame{kind: head[4], id: binary.BigEndian.Uint64(head[5:]), body: make([]byte, n-(frameHead-4))}
	_, err := io.ReadFull(r, f.body)
	return f, err
}

// encoder appends values to a body.
type encoder struct{ b []byte }

func (e *encoder) u8(v byte)    { e.b = append(e.b, v) }
func (e *encoder) u32(v uint32) { e.b = binary.BigEndian.AppendUint32(e.b, v) }
func (e *encoder) u64(v uint64) { e.b = binary.BigEndian.AppendUint64(e.b, v) }
func (e *encoder) text(s string) {
	e.b = binary.BigEndian.AppendUint16(e.b, uint16(len(s)))
	e.b = append(e.b, s...)
}

// decoder takes them off again. After the first that is not there, bad is set and everything is zero.
type decoder struct {
	b   []byte
	at  int
	bad bool
}

func (d *decoder) take(n int) []byte {
	if d.bad || n < 0 || n > len(d.b)-d.at {
		d.bad = true
		return nil
	}
	d.at += n
	return d.b[d.at-n : d.at]
}

func (d *decoder) u8() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) u32() uint32 {
	if b := d.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (d *decoder) u64() uint64 {
	if b := d.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (d *decoder) text() string {
	if b := d.take(2); b != nil {
		return string(d.take(int(binary.BigEndian.Uint16(b))))
	}
	return ""
}

// err says whether the body was cut short.
func (d *decoder) err() error {
	if d.bad {
		return fmt.Errorf("%w: its body of %d bytes ends early", errFrame, len(d.b))
	}
	return nil
}
