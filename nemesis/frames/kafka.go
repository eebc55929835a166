package frames

import (
	"encoding/binary"
	"sync"
)

// API keys: https://kafka.apache.org/protocol.html#protocol_api_keys.
const (
	kafkaProduce         = 0
	kafkaOffsetCommit    = 8
	kafkaSASLHandshake   = 17
	kafkaEndTxn          = 26
	kafkaTxnOffsetCommit = 28
	kafkaKeys            = 1000 // more than there are
)

// kafkaSession follows requests and their answers, which come in the same order, each with its request's correlation id.
type kafkaSession struct {
	mu       sync.Mutex
	unknown  bool           // what the client sends is not understood, nor so are answers
	bare     bool           // SASL's messages follow without a header, as versions before 1.0 want them
	waiting  []kafkaRequest // for an answer, oldest first
	answered bool           // whether the newest request has an answer
	copies   int32
}

type kafkaRequest struct {
	id   int32
	kind Kind // of the answer
	copy bool
}

func openKafka() session { return &kafkaSession{} }

func (s *kafkaSession) out(b []byte) (frame, bool, error) {
	f, ok, err := s.request(b)
	if err != nil {
		s.mu.Lock()
		s.unknown = true
		s.mu.Unlock()
	}
	return f, ok, err
}

func (s *kafkaSession) request(b []byte) (frame, bool, error) {
	if len(b) < 4 {
		return frame{}, false, nil
	}
	size := int64(binary.BigEndian.Uint32(b))
	if size < 10 || size > maxKafkaFrame { // key, version, id, length of a name
		return frame{}, false, errNotUnderstood
	}
	if len(b) < 12 {
		return frame{}, false, nil
	}
	key, version := binary.BigEndian.Uint16(b[4:]), binary.BigEndian.Uint16(b[6:])
	if key >= kafkaKeys || version >= 100 {
		return frame{}, false, errNotUnderstood
	}
	f := frame{size: 4 + size}
	r := kafkaRequest{id: int32(binary.BigEndian.Uint32(b[8:]))}
	answered := true
	switch key {
	case kafkaProduce:
		acks, ok, err := produceAcks(b, f.size, version)
		if !ok {
			return frame{}, false, err
		}
		answered = acks != 0
		f.kind, r.kind = Publish, Confirm
	case kafkaOffsetCommit, kafkaTxnOffsetCommit:
		f.kind = Ack
	case kafkaEndTxn:
		f.kind, r.kind = End, Commit
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bare {
		return frame{}, false, errNotUnderstood
	}
	s.bare = key == kafkaSASLHandshake && version == 0
	s.answered = answered
	if answered {
		return f, true, s.wait(r)
	}
	return f, true, nil
}

// wait adds a request to those that wait for an answer. s.mu is held.
func (s *kafkaSession) wait(r kafkaRequest) error {
	if len(s.waiting) >= maxAnswers {
		return errNotUnderstood
	}
	s.waiting = append(s.waiting, r)
	return nil
}

// produceAcks finds how many acknowledgements a Produce request asks for: with none it is not answered.
func produceAcks(b []byte, size int64, version uint16) (acks int16, ok bool, err error) {
	c := cursor{b: b, at: 12, size: int(size)}
	if n := int16(c.uint16()); n > 0 { // the client's name; -1 is none
		c.skip(int(n))
	}
	flexible := version >= 9
	if flexible {
		for tags := c.uvarint(); tags > 0 && !c.over(); tags-- {
			c.uvarint()
			c.skip(int(c.uvarint()))
		}
	}
	switch { // the transactional id
	case flexible:
		if n := c.uvarint(); n > 1 {
			c.skip(int(n - 1))
		}
	case version >= 3:
		if n := int16(c.uint16()); n > 0 {
			c.skip(int(n))
		}
	}
	acks = int16(c.uint16())
	switch {
	case c.at > c.size || c.at > maxKafkaHead:
		return 0, false, errNotUnderstood
	case c.over():
		return 0, false, nil
	}
	return acks, true, nil
}

// cursor reads fields of a frame of which b is as much as has come. Past that it reads zeroes and goes on counting, so that one
// look at the end tells whether all was there.
type cursor struct {
	b    []byte
	at   int
	size int
}

// over reports whether more was asked for than has come.
func (c *cursor) over() bool { return c.at > len(c.b) }

func (c *cursor) skip(n int) {
	if n < 0 || n > c.size {
		n = c.size + 1
	}
	c.at += n
}

func (c *cursor) uint16() uint16 {
	c.at += 2
	if c.over() {
		return 0
	}
	return binary.BigEndian.Uint16(c.b[c.at-2:])
}

func (c *cursor) uvarint() uint64 {
	if c.at >= len(c.b) {
		c.at++
		return 0
	}
	v, n := binary.Uvarint(c.b[c.at:])
	switch {
	case n > 0:
		c.at += n
	case n == 0:
		c.at = len(c.b) + 1
	default:
		c.at = c.size + 1
	}
	return v
}

func (s *kafkaSession) in(b []byte) (frame, bool, error) {
	if len(b) < 8 {
		return frame{}, false, nil
	}
	f := frame{size: 4 + int64(binary.BigEndian.Uint32(b))}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unknown || len(s.waiting) == 0 || f.size < 8 || f.size > 4+maxKafkaFrame {
		return frame{}, false, errNotUnderstood
	}
	r := s.waiting[0]
	if r.id != int32(binary.BigEndian.Uint32(b[4:])) {
		return frame{}, false, errNotUnderstood
	}
	if s.waiting = s.waiting[1:]; len(s.waiting) == 0 {
		s.waiting = nil
	}
	f.kind, f.answersCopy = r.kind, r.copy
	return f, true, nil
}

// again gives the copy a correlation id of its own, of those that clients do not come to.
func (s *kafkaSession) again(unit []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.copies--
	binary.BigEndian.PutUint32(unit[8:], uint32(s.copies))
	if s.answered {
		s.waiting = append(s.waiting, kafkaRequest{id: s.copies, copy: true})
	}
}
