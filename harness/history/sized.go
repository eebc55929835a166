package history

import "hash/crc32"

// Sized tells checksums of messages that have payloads of one length, from a part that each payload has whatever message it goes with: for
// payloads that go with many messages. A CRC is linear, so that of bytes begun at a value is that of the same bytes begun at 0
// and that of as many zeros begun at the value, one laid over the other. Safe for concurrent use.
type Sized struct {
	zeros [4][256]uint32 // what as many zeros make of each value of each byte
}

// NewSized is for payloads of size bytes.
func NewSized(size int) *Sized {
	s := &Sized{}
	payload := make([]byte, size)
	for at := range s.zeros {
		of := &s.zeros[at]
		for i := 1; i < len(of); i++ {
			if rest := i & (i - 1); rest != 0 { // more than one bit: what the one and what the others are made to
				of[i] = of[rest] ^ of[i^rest]
				continue
			}
			of[i] = ^crc32.Update(^(uint32(i) << (8 * at)), castagnoli, payload)
		}
	}
	return s
}

// Part is a payload's own part of its checksums.
func (s *Sized) Part(payload []byte) uint32 { return crc32.Update(^uint32(0), castagnoli, payload) }

// Checksum is that of message m with a payload whose part this is: what Checksum says of the payload itself.
func (s *Sized) Checksum(m Msg, key, part uint32) uint32 {
	from := ^beginning(m, key)
	return part ^ s.zeros[0][from&0xff] ^ s.zeros[1][from>>8&0xff] ^ s.zeros[2][from>>16&0xff] ^ s.zeros[3][from>>24]
}
