package kafka

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"waybill/harness/history"
	"waybill/targets"
)

// batchBytes is a record batch as a broker stores it. change may spoil it before the checksum is made.
func batchBytes(first int64, records []kmsg.Record, change func(*kmsg.RecordBatch)) []byte {
	var body []byte
	for i, r := range records {
		r.OffsetDelta = int32(i)
		r.Length = 0
		tail := r.AppendTo(nil)[1:] // a length of 0 is one byte
		body = append(kbin.AppendVarint(body, int32(len(tail))), tail...)
	}
	b := kmsg.RecordBatch{
		FirstOffset: first, PartitionLeaderEpoch: 4, Magic: 2, LastOffsetDelta: int32(len(records) - 1),
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: int32(len(records)), Records: body,
	}
	b.Length = int32(batchFixed - batchHead + len(body))
	if change != nil {
		change(&b)
	}
	out := b.AppendTo(nil)
	binary.BigEndian.PutUint32(out[crcOffset:], crc32.Checksum(out[crcOffset+4:], castagnoli))
	return out
}

func recordOf(m targets.Message) kmsg.Record {
	r := encode("q", m)
	out := kmsg.Record{Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		out.Headers = append(out.Headers, kmsg.Header{Key: h.Key, Value: h.Value})
	}
	return out
}

func message(n int) targets.Message {
	return targets.Message{Token: history.Token("unittest", history.Msg{Life: 1, Seq: uint64(n + 1)}, 0), Attempt: uint32(n + 1), Key: uint32(n % 7), Payload: []byte("payload " + strconv.Itoa(n))}
}

func numbered(n int) (rs []kmsg.Record) {
	for i := range n {
		rs = append(rs, recordOf(message(i)))
	}
	return rs
}

func TestABatchIsReadAsItWasWritten(t *testing.T) {
	log := append(batchBytes(10, numbered(3), nil), batchBytes(13, numbered(2), nil)...)
	b, rest, err := parseBatch(log)
	if err != nil {
		t.Fatal(err)
	}
	if b.FirstOffset != 10 || b.last() != 12 || b.PartitionLeaderEpoch != 4 || b.control() || b.transactional() || len(b.records) != 3 {
		t.Errorf("%+v", b)
	}
	for i, r := range b.records {
		id := identityOf(r)
		got := targets.Message{Token: id.token, Attempt: id.attempt, Key: id.key, Payload: id.payload}
		if diff := cmp.Diff(message(i), got); diff != "" {
			t.Error(diff)
		}
	}
	if b, rest, err = parseBatch(rest); err != nil || b.FirstOffset != 13 || len(rest) != 0 {
		t.Errorf("%v, %d bytes after the last batch", err, len(rest))
	}
}

func TestWhatIsDamagedIsRejectedByName(t *testing.T) {
	whole := batchBytes(10, numbered(3), nil)
	flipped := func(at int) []byte {
		b := append([]byte(nil), whole...)
		b[at] ^= 1
		return b
	}
	for _, c := range []struct {
		claim string
		bytes []byte
		want  string // "" is errCut
	}{
		{"no bytes", nil, ""},
		{"a part of the head", whole[:11], ""},
		{"a part of the records", whole[:len(whole)-1], ""},
		{"a bit of a record flipped", flipped(len(whole) - 1), "checksum"},
		{"a bit of the attributes flipped", flipped(22), "checksum"},
		{"another format", flipped(16), "format 3, want 2"},
		{"a length too small", batchBytes(10, nil, func(b *kmsg.RecordBatch) { b.Length = 3 }), "length 3"},
		{"a negative length", batchBytes(10, nil, func(b *kmsg.RecordBatch) { b.Length = -3 }), "length -3"},
		{"a length beyond any limit", batchBytes(10, nil, func(b *kmsg.RecordBatch) { b.Length = 1 << 30 }), "length 1073741824"},
		{"a negative offset", batchBytes(-1, numbered(1), nil), "negative offset"},
		{"compression", batchBytes(10, numbered(1), func(b *kmsg.RecordBatch) { b.Attributes = 2 }), "compression 2"},
		{"more records than bytes", batchBytes(10, numbered(1), func(b *kmsg.RecordBatch) { b.NumRecords = 1 << 20 }), "1048576 records"},
		{"a negative number of records", batchBytes(10, numbered(1), func(b *kmsg.RecordBatch) { b.NumRecords = -1 }), "-1 records"},
		{"more records than there are", batchBytes(10, numbered(2), func(b *kmsg.RecordBatch) { b.NumRecords = 3 }), "record 2 of 3"},
		{"fewer records than there are", batchBytes(10, numbered(2), func(b *kmsg.RecordBatch) { b.NumRecords = 1 }), "after the last of 1 records"},
		{"a last offset that the records do not reach", batchBytes(10, numbered(2), func(b *kmsg.RecordBatch) { b.LastOffsetDelta = 5 }), "2 records up to offset 5"},
		{"a negative last offset", batchBytes(10, numbered(2), func(b *kmsg.RecordBatch) { b.LastOffsetDelta = -1 }), "last offset -1"},
	} {
		t.Run(c.claim, func(t *testing.T) {
			_, _, err := parseBatch(c.bytes)
			switch {
			case c.want == "" && !errors.Is(err, errCut):
				t.Errorf("%v, want %v", err, errCut)
			case c.want != "" && (!errors.Is(err, errDamaged) || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestAKeyDecidesItsPartition(t *testing.T) {
	p := partitioner().ForTopic("q")
	for key := range uint32(20) {
		m := message(1)
		m.Key = key
		if got := p.Partition(encode("q", m), 4); got != int(key%4) {
			t.Errorf("key %d is in partition %d, want %d", key, got, key%4)
		}
	}
	if !p.RequiresConsistency(&kgo.Record{}) {
		t.Error("a key may go to another partition when its own is not available")
	}
}

func TestWhatIsNotOursIsLeftOut(t *testing.T) {
	for _, c := range []struct {
		key, value string
		headers    [][2]string
		want       identity
	}{
		{"", "", nil, identity{}},
		{"-1", "hello", [][2]string{{"other", "x"}, {headerAttempt, "many"}}, identity{payload: []byte("hello")}},
		{"99999999999", message(1).Token[:20], [][2]string{{headerAttempt, "-1"}}, identity{payload: []byte(message(1).Token[:20])}},
		{"7", message(1).Token, [][2]string{{headerTransaction, "4/2"}}, identity{token: message(1).Token, attempt: 1, key: 7, transaction: "4/2"}},
		{"7", message(1).Token + "x", [][2]string{{headerAttempt, "3"}}, identity{token: message(1).Token, attempt: 3, key: 7, payload: []byte("x")}},
	} {
		id := identityIn([]byte(c.key), []byte(c.value))
		for _, h := range c.headers {
			id.header(h[0], []byte(h[1]))
		}
		if diff := cmp.Diff(c.want, id, cmp.AllowUnexported(identity{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q %q: %s", c.key, c.value, diff)
		}
	}
}

func FuzzBatch(f *testing.F) {
	f.Add(batchBytes(10, numbered(3), nil))
	f.Add(append(batchBytes(0, numbered(1), nil), batchBytes(1, marker(7, true), control(7))...))
	f.Add(batchBytes(5, nil, func(b *kmsg.RecordBatch) { b.LastOffsetDelta = 9 }))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > crcOffset+4 { // so that more than the checksum is tried
			if n := int64(int32(binary.BigEndian.Uint32(b[8:]))); n >= crcOffset+4-batchHead && n <= int64(len(b)-batchHead) {
				b = append([]byte(nil), b...)
				binary.BigEndian.PutUint32(b[crcOffset:], crc32.Checksum(b[crcOffset+4:batchHead+n], castagnoli))
			}
		}
		p, rest, err := parseBatch(b)
		if err != nil {
			if !errors.Is(err, errDamaged) && !errors.Is(err, errCut) {
				t.Fatalf("an error without a name: %v", err)
			}
			return
		}
		if len(rest) >= len(b) || p.last() < p.FirstOffset || int(p.NumRecords) != len(p.records) {
			t.Fatalf("%d bytes left of %d: %+v", len(rest), len(b), p.RecordBatch)
		}
		if p.NumRecords > 0 && p.last()-p.FirstOffset+1 != int64(len(p.records)) {
			t.Fatalf("offsets %d to %d with %d records", p.FirstOffset, p.last(), len(p.records))
		}
		for _, r := range p.records {
			identityOf(r)
		}
		p.marker()
	})
}
