package history

import "encoding/binary"

// The short form of a record: 1kkktttt.
const (
	shortForm     = 0x80
	shortTimeBits = 4
	shortTimeMask = 1<<shortTimeBits - 1 // also the code that says that the time follows as a varint
)

// frequentKinds have a short form each, by their number in it.
var frequentKinds = [8]Kind{Send, Outcome, Delivery, AckCalled, AckOutcome, ApplyBegin, ApplyEnd, Copy}

// shortForms is the first byte of each kind's short form with a time of 0; 0 for kinds that have none.
var shortForms = func() (f [128]byte) {
	for i, k := range frequentKinds {
		f[k] = shortForm | byte(i)<<shortTimeBits
	}
	return f
}()

// An encoder turns events into the records of one block after another.
type encoder struct {
	predictor
	differ differences // here, so that it need not be cleared for each event
}

// append appends the record of e at time to b.
func (c *encoder) append(b []byte, e *Event, time int64) []byte {
	s := &c.states[e.Kind&127]
	short := shortForms[e.Kind&127]
	delta, expected := time-c.last, s.expected()
	// Nearly all events of an undisturbed run end here. A broker's time that is not 0 is predicted further below.
	if short != 0 && e.BrokerTime == 0 && sameBody(e, &s.next) {
		c.moveTo(time, delta, s)
		s.advance(time)
		return appendShort(b, short, delta, expected)
	}
	s.foresee(time, s.next.Msg, e.Msg)
	mask := c.differ.fill(e, &s.next)
	if mask == 0 && short != 0 && s.known {
		b = appendShort(b, short, delta, expected)
	} else {
		b = append(b, byte(e.Kind))
		b = binary.AppendUvarint(b, zigzag(delta-expected))
		b = binary.AppendUvarint(b, mask)
		b = appendFields(b, mask, e, &c.differ)
	}
	c.moveTo(time, delta, s)
	s.settle(e, time)
	return b
}

func appendShort(b []byte, short byte, delta, expected int64) []byte {
	code := uint64(delta + 1)
	if expected != 0 {
		code = zigzag(delta - expected)
	}
	if code < shortTimeMask {
		return append(b, short|byte(code))
	}
	return binary.AppendUvarint(append(b, short|shortTimeMask), code-shortTimeMask)
}
