package frames

import (
	"bytes"
	"encoding/binary"
	"slices"
	"sync"
)

// Frames, classes and methods of AMQP 0-9-1: https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf, section 4.2, and RabbitMQ's
// extensions basic.nack and confirm.select.
const (
	amqpMethod    = 1
	amqpHeader    = 2
	amqpBody      = 3
	amqpHeartbeat = 8
	amqpEnd       = 0xCE
	amqpPrefix    = 7 // bytes before a frame's payload: type, channel, size

	channelOpen   = 20<<16 | 10
	channelClosed = 20<<16 | 41
	basicPublish  = 60<<16 | 40
	basicAck      = 60<<16 | 80
	basicReject   = 60<<16 | 90
	basicNack     = 60<<16 | 120
	confirmSelect = 85<<16 | 10

	tagAt      = amqpPrefix + 4 // where the delivery tag of an acknowledgement is
	tagAndBits = 9
	wantedHead = 4 + tagAndBits // bytes of a payload that are looked at
)

var amqpGreeting = []byte{'A', 'M', 'Q', 'P', 0, 0, 9, 1}

// amqpSession follows channels: where publishes begin and end, and how they are numbered.
type amqpSession struct {
	greeted bool // out only

	mu       sync.Mutex
	channels map[uint16]*amqpChannel
	last     uint16 // channel of the unit that out read last
}

type amqpChannel struct {
	confirms bool
	tag      uint64   // of the newest publish, as the broker counts
	copies   []uint64 // tags of those of which the client knows nothing, ascending; the newest maxAnswers
	folded   uint64   // how many there were before
	headed   bool     // a message's header is expected
	body     uint64   // bytes of it still to come
}

func openAMQP() session { return &amqpSession{channels: map[uint16]*amqpChannel{}} }

// amqpHead is the beginning of any frame.
type amqpHead struct {
	kind    byte
	channel uint16
	size    uint32
	method  uint32 // class and method; 0 where there is none
}

func readAMQP(b []byte) (h amqpHead, ok bool, err error) {
	switch b[0] {
	case amqpMethod, amqpHeader, amqpBody, amqpHeartbeat:
	default:
		return h, false, errNotUnderstood
	}
	if len(b) < amqpPrefix {
		return h, false, nil
	}
	h.kind, h.channel, h.size = b[0], binary.BigEndian.Uint16(b[1:]), binary.BigEndian.Uint32(b[3:])
	if h.size > maxAMQPFrame {
		return h, false, errNotUnderstood
	}
	if uint32(len(b)-amqpPrefix) < min(h.size, wantedHead) {
		return h, false, nil
	}
	least := uint32(0)
	switch h.kind {
	case amqpHeader:
		least = 12
	case amqpMethod:
		if h.size < 4 {
			return h, false, errNotUnderstood
		}
		h.method = binary.BigEndian.Uint32(b[amqpPrefix:])
		switch h.method {
		case basicAck, basicNack, basicReject:
			least = wantedHead
		case basicPublish:
			least = 9 // a reserved word, two empty names, and bits
		}
	}
	if h.size < least {
		return h, false, errNotUnderstood
	}
	return h, true, nil
}

func (h amqpHead) frame() frame {
	return frame{size: amqpPrefix + int64(h.size) + 1, end: amqpEnd, channel: h.channel}
}

func (s *amqpSession) out(b []byte) (frame, bool, error) {
	if !s.greeted {
		n := min(len(b), len(amqpGreeting))
		if !bytes.Equal(b[:n], amqpGreeting[:n]) {
			return frame{}, false, errNotUnderstood
		}
		s.greeted = n == len(amqpGreeting)
		return frame{size: int64(n)}, s.greeted, nil
	}
	h, ok, err := readAMQP(b)
	if !ok {
		return frame{}, false, err
	}
	f := h.frame()
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channels[h.channel]
	if c == nil {
		c = &amqpChannel{}
		s.channels[h.channel] = c
	}
	switch h.kind {
	case amqpMethod:
		c.headed, c.body = false, 0
		switch h.method {
		case channelOpen:
			*c = amqpChannel{}
		case channelClosed:
			delete(s.channels, h.channel)
		case confirmSelect:
			c.confirms = true
		case basicAck, basicNack, basicReject:
			f.kind = Ack
		case basicPublish:
			f.kind, f.open = Publish, true
			c.headed = true
			s.last = h.channel
			if c.confirms {
				c.tag++
			}
		}
	case amqpHeader:
		if c.headed {
			c.headed, c.body = false, binary.BigEndian.Uint64(b[amqpPrefix+4:])
			f.part, f.open = true, c.body > 0
			s.last = h.channel
		}
	case amqpBody:
		if c.body > 0 {
			c.body -= min(c.body, uint64(h.size))
			f.part, f.open = true, c.body > 0
			s.last = h.channel
		}
	}
	return f, true, nil
}

func (s *amqpSession) in(b []byte) (frame, bool, error) {
	if b[0] == amqpGreeting[0] { // a broker that wants another version says so, and hangs up
		n := min(len(b), 4)
		if !bytes.Equal(b[:n], amqpGreeting[:n]) {
			return frame{}, false, errNotUnderstood
		}
		return frame{size: int64(len(amqpGreeting))}, n == 4, nil
	}
	h, ok, err := readAMQP(b)
	if !ok {
		return frame{}, false, err
	}
	f := h.frame()
	if h.method != basicAck && h.method != basicNack {
		return f, true, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channels[h.channel]
	if c == nil || !c.confirms {
		return f, true, nil
	}
	multiple := b[tagAt+8]&1 != 0
	tag, known := c.known(binary.BigEndian.Uint64(b[tagAt:]), multiple)
	if !known {
		f.answersCopy = true
		return f, true, nil
	}
	binary.BigEndian.PutUint64(b[tagAt:], tag)
	f.kind = Confirm
	return f, true, nil
}

// known turns a broker's tag into the client's. False is a copy's, alone. Where a confirmation of several ends with a copy's, it
// ends for the client with the one before; should that have been confirmed already, it is once more, which changes nothing.
func (c *amqpChannel) known(tag uint64, multiple bool) (uint64, bool) {
	before, copied := slices.BinarySearch(c.copies, tag)
	switch {
	case tag == 0: // all so far
		return 0, true
	case copied && !multiple:
		return 0, false
	case copied:
		before++
	}
	return tag - c.folded - uint64(before), true
}

// again counts the copy, and does not have it returned: the client would hear of the same message twice.
func (s *amqpSession) again(unit []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	size := binary.BigEndian.Uint32(unit[3:])
	const mandatory = 1
	unit[amqpPrefix+size-1] &^= mandatory // basic.publish ends with its bits
	c := s.channels[s.last]
	if !c.confirms {
		return
	}
	c.tag++
	c.copies = append(c.copies, c.tag)
	if len(c.copies) > maxAnswers {
		c.copies = c.copies[1:]
		c.folded++
	}
}
