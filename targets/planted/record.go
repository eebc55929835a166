package planted

import "encoding/binary"

// record is one message as it lies in the log: the producer's life and the message's number in it, by which it is known again, then
// what the harness sent.
type record struct {
	life    uint32
	seq     uint64
	attempt uint32
	key     uint32
	token   string
	payload []byte
}

// recordHead is the fixed part: the length of the rest, life, number, attempt, key, and the token's length.
const recordHead = 4 + 4 + 8 + 4 + 4 + 2

func appendRecord(to []byte, r record) []byte {
	to = binary.BigEndian.AppendUint32(to, uint32(recordHead-4+len(r.token)+len(r.payload)))
	to = binary.BigEndian.AppendUint32(to, r.life)
	to = binary.BigEndian.AppendUint64(to, r.seq)
	to = binary.BigEndian.AppendUint32(to, r.attempt)
	to = binary.BigEndian.AppendUint32(to, r.key)
	to = binary.BigEndian.AppendUint16(to, uint16(len(r.token)))
	to = append(to, r.token...)
	return append(to, r.payload...)
}

// record reads what appendRecord wrote. Its payload shares the body's memory.
func (d *decoder) record() record {
	in := decoder{b: d.take(int(d.u32()))}
	r := record{life: in.u32(), seq: in.u64(), attempt: in.u32(), key: in.u32(), token: in.text()}
	r.payload = in.take(len(in.b) - in.at)
	d.bad = d.bad || in.bad
	return r
}

// message is what a record is known by.
type message struct {
	life uint32
	seq  uint64
}

func (r record) message() message { return message{r.life, r.seq} }
