package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// errShort says that the bytes end within a record.
var errShort = errors.New("the bytes end within a record")

// A decoder reads the records of one block after another.
type decoder struct {
	predictor
	block []byte // records of the current block
	at    int    // the next one
	seg   int
	life  Life
	whole bool // in the event that was read last more is news than a brief tells
}

// open starts a block.
func (d *decoder) open(records []byte) {
	d.reset()
	d.block, d.at = records, 0
}

// next reads one record into e. It returns false at the end of the block, where padding may remain. On an error d.at
// is where the record begins.
func (d *decoder) next(e *Event) (bool, error) {
	read, err := d.record()
	if read == nil {
		return false, err
	}
	*e = *read
	return true, nil
}

// record reads one record. The event is the state of its kind, and so it is valid until another record is read: what comes next of its kind
// is predicted only then. It returns nil at the end of the block.
func (d *decoder) record() (*Event, error) {
	if d.at >= len(d.block) {
		return nil, nil
	}
	first := d.block[d.at]
	switch {
	case first == 0:
		return nil, d.padding()
	case first < shortForm:
		return d.long(Kind(first))
	}
	kind := frequentKinds[first>>shortTimeBits&7]
	s := &d.states[kind]
	if !s.known {
		return nil, fmt.Errorf("the first %s of a block in short form", kind)
	}
	at := d.at + 1
	code := uint64(first & shortTimeMask)
	if code == shortTimeMask {
		rest, n := d.number(at)
		if n <= 0 {
			return nil, varintError(n)
		}
		code, at = code+rest, at+n
	}
	delta := int64(code) - 1
	if expected := s.expected(); expected != 0 {
		delta = expected + unzigzag(code)
	}
	time := d.last + delta
	e := &s.next
	d.at, d.whole = at, e.BrokerTime != 0
	s.advance(e.Time)
	s.foresee(time, e.Msg, e.Msg)
	e.Time = time
	d.moveTo(time, delta, s)
	return e, nil
}

func (d *decoder) long(kind Kind) (*Event, error) {
	s := &d.states[kind]
	at := d.at + 1
	code, n := d.number(at)
	if n <= 0 {
		return nil, varintError(n)
	}
	at += n
	mask, n := d.number(at)
	if n <= 0 {
		return nil, varintError(n)
	}
	at += n
	if mask >= 1<<fieldsKnown {
		return nil, fmt.Errorf("a field %d, this version has %d", bits.Len64(mask)-1, fieldsKnown)
	}
	delta := s.expected() + unzigzag(code)
	time := d.last + delta
	e := &s.next // the prediction itself becomes the event
	s.advance(e.Time)
	message, key, call, intended := e.Msg, e.Key, e.Call, e.Intended
	whole := !s.known || mask&^briefly != 0 || e.BrokerTime != 0
	e.Kind, e.Segment, e.Life = kind, d.seg, d.life
	var err error
	if ofMessage := mask & fieldsOfMessage; ofMessage != 0 {
		if at, err = d.fields(e, ofMessage, at); err != nil {
			return nil, err
		}
	}
	s.foresee(time, message, e.Msg)
	if mask &^= fieldsOfMessage; mask != 0 {
		if at, err = d.fields(e, mask, at); err != nil {
			return nil, err
		}
	}
	e.Time = time
	d.moveTo(time, delta, s)
	d.at, d.whole = at, whole
	s.learn(int64(e.Key)-int64(key), int64(e.Call-call), e.Intended-intended)
	return e, nil
}

// fields reads those in mask from at on into e, which holds the prediction, and returns where they end.
func (d *decoder) fields(e *Event, mask uint64, at int) (int, error) {
	for ; mask != 0; mask &= mask - 1 {
		v, n := d.number(at)
		if n <= 0 {
			return at, varintError(n)
		}
		at += n
		field := bits.TrailingZeros64(mask)
		if field != fieldName && field != fieldText {
			if !e.add(field, uint64(unzigzag(v))) {
				return at, fmt.Errorf("a value that does not fit field %d", field)
			}
			continue
		}
		if v > MaxString {
			return at, fmt.Errorf("a string of %d bytes, at most %d are allowed", v, MaxString)
		}
		if v > uint64(len(d.block)-at) {
			return at, errShort
		}
		text := string(d.block[at : at+int(v)])
		at += int(v)
		if field == fieldName {
			e.Name = text
		} else {
			e.Text = text
		}
	}
	return at, nil
}

// number reads a varint, of which most are of one byte.
func (d *decoder) number(at int) (uint64, int) {
	if at < len(d.block) && d.block[at] < 0x80 {
		return uint64(d.block[at]), 1
	}
	return binary.Uvarint(d.block[at:])
}

// padding checks what follows the last record of a block.
func (d *decoder) padding() error {
	rest := d.block[d.at:]
	if len(rest) >= blockAlign {
		return fmt.Errorf("%d bytes behind the last record of a block", len(rest))
	}
	for _, b := range rest {
		if b != 0 {
			return errors.New("padding that is not zero")
		}
	}
	return nil
}

func varintError(n int) error {
	if n == 0 {
		return errShort
	}
	return errors.New("a number of more than 64 bits")
}
