package frames

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"
)

// script is a connection below: it says what it was given, in pieces, and keeps what is written.
type script struct {
	says   [][]byte
	gets   bytes.Buffer
	writes int
	closed bool
}

func (s *script) Read(b []byte) (int, error) {
	for len(s.says) > 0 && len(s.says[0]) == 0 {
		s.says = s.says[1:]
	}
	switch {
	case s.closed:
		return 0, net.ErrClosed
	case len(s.says) == 0:
		return 0, io.EOF
	}
	n := copy(b, s.says[0])
	s.says[0] = s.says[0][n:]
	return n, nil
}

func (s *script) Write(b []byte) (int, error) {
	if s.closed {
		return 0, net.ErrClosed
	}
	s.writes++
	return s.gets.Write(b)
}

func (s *script) Close() error                     { s.closed = true; return nil }
func (s *script) CloseWrite() error                { return nil }
func (s *script) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (s *script) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (s *script) SetDeadline(time.Time) error      { return nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

// Frames of NATS.

func natsPub(subject, reply, payload string) []byte {
	if reply != "" {
		reply += " "
	}
	return fmt.Appendf(nil, "PUB %s %s%d\r\n%s\r\n", subject, reply, len(payload), payload)
}

func natsHPub(subject, reply, header, payload string) []byte {
	return fmt.Appendf(nil, "HPUB %s %s %d %d\r\n%s%s\r\n", subject, reply, len(header), len(header)+len(payload), header, payload)
}

func natsMsg(subject, payload string) []byte {
	return fmt.Appendf(nil, "MSG %s 1 %d\r\n%s\r\n", subject, len(payload), payload)
}

func natsHMsg(subject, reply, header, payload string) []byte {
	return fmt.Appendf(nil, "HMSG %s 1 %s %d %d\r\n%s%s\r\n", subject, reply, len(header), len(header)+len(payload), header, payload)
}

// Frames of Kafka.

func kafkaFrame(b []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
}

// kafkaAsks is a request of a client named "c", with tags from the version on that has them.
func kafkaAsks(key, version uint16, id int32, tagged bool, body ...byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, key)
	b = binary.BigEndian.AppendUint16(b, version)
	b = binary.BigEndian.AppendUint32(b, uint32(id))
	b = append(b, 0, 1, 'c')
	if tagged {
		b = append(b, 1, 5, 2, 'x', 'y') // one tag, number 5, of two bytes
	}
	return kafkaFrame(append(b, body...))
}

func kafkaProduces(version uint16, id int32, acks int16) []byte {
	var body []byte
	switch {
	case version >= 9:
		body = []byte{3, 't', 'x'} // a compact string of two
	case version >= 3:
		body = []byte{0, 2, 't', 'x'}
	}
	body = binary.BigEndian.AppendUint16(body, uint16(acks))
	return kafkaAsks(kafkaProduce, version, id, version >= 9, append(body, "and records"...)...)
}

func kafkaAnswers(id int32, body string) []byte {
	return kafkaFrame(append(binary.BigEndian.AppendUint32(nil, uint32(id)), body...))
}

// Frames of AMQP.

func amqpFrame(kind byte, channel uint16, payload []byte) []byte {
	b := binary.BigEndian.AppendUint16([]byte{kind}, channel)
	b = binary.BigEndian.AppendUint32(b, uint32(len(payload)))
	return append(append(b, payload...), amqpEnd)
}

func amqpCall(channel uint16, method uint32, arguments ...byte) []byte {
	return amqpFrame(amqpMethod, channel, append(binary.BigEndian.AppendUint32(nil, method), arguments...))
}

// amqpTagged acknowledges; bits is 1 for multiple.
func amqpTagged(channel uint16, method uint32, tag uint64, bits byte) []byte {
	return amqpCall(channel, method, append(binary.BigEndian.AppendUint64(nil, tag), bits)...)
}

func amqpPublishes(channel uint16, bits byte, bodies ...string) []byte {
	b := amqpCall(channel, basicPublish, 0, 0, 0, 1, 'q', bits)
	size := 0
	for _, s := range bodies {
		size += len(s)
	}
	header := append([]byte{0, 60, 0, 0}, binary.BigEndian.AppendUint64(nil, uint64(size))...)
	b = append(b, amqpFrame(amqpHeader, channel, append(header, 0, 0))...)
	for _, s := range bodies {
		b = append(b, amqpFrame(amqpBody, channel, []byte(s))...)
	}
	return b
}

func joined(bs ...[]byte) []byte { return bytes.Join(bs, nil) }
