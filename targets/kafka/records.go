package kafka

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"waybill/harness/history"
	"waybill/targets"
)

// Headers of a record. Its value is the message's body: see targets.Message.AppendBody.
const (
	headerAttempt     = "wb-attempt" // from the second on
	headerTransaction = "wb-txn"
)

// encode makes the record of a message. Its key decides the partition, as the partitioner reads it.
func encode(topic string, m targets.Message) *kgo.Record {
	const most = 10                                          // digits
	b := make([]byte, 0, 2*most+len(m.Token)+len(m.Payload)) // all of it in one piece
	cut := func(from int) []byte { return b[from:len(b):len(b)] }
	b = strconv.AppendUint(b, uint64(m.Key), 10)
	r := &kgo.Record{Topic: topic, Key: cut(0), Value: m.Payload}
	if m.Token == "" {
		return r
	}
	from := len(b)
	b = m.AppendBody(b)
	r.Value = cut(from)
	if m.Attempt != 1 {
		from = len(b)
		b = strconv.AppendUint(b, uint64(m.Attempt), 10)
		r.Headers = []kgo.RecordHeader{{Key: headerAttempt, Value: cut(from)}}
	}
	return r
}

// partitioner puts a key into partition key mod partitions.
func partitioner() kgo.Partitioner {
	return kgo.BasicConsistentPartitioner(func(string) func(*kgo.Record, int) int {
		return func(r *kgo.Record, n int) int {
			k, _ := strconv.ParseUint(string(r.Key), 10, 32)
			return int(k % uint64(n))
		}
	})
}

// identity is what a record says of itself. What is missing or malformed is left zero: the token tells a foreign one.
type identity struct {
	token       string
	attempt     uint32
	key         uint32
	transaction string
	payload     []byte // of the record
}

// identityIn reads a record's key and value; its headers come after.
func identityIn(key, value []byte) (id identity) {
	id.key = number(key)
	token, payload, ok := history.CutToken(value)
	if id.payload = payload; ok {
		id.token, id.attempt = token, 1
	}
	return id
}

func (i *identity) header(key string, value []byte) {
	switch key {
	case headerAttempt:
		i.attempt = number(value)
	case headerTransaction:
		i.transaction = string(value)
	}
}

// number is what digits say; 0 if they are none.
func number(digits []byte) uint32 {
	n, err := strconv.ParseUint(string(digits), 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// batch is a record batch of the log's format 2, the only one that brokers write since 0.11.
type batch struct {
	kmsg.RecordBatch
	records []kmsg.Record
}

const (
	batchHead     = 12        // bytes before what the length counts
	batchFixed    = 61        // bytes before the first record
	crcOffset     = 17        // of the checksum, which covers what comes after it
	recordLeast   = 7         // bytes of the smallest record
	attrCodec     = 0x07      // compression
	attrTxn       = 0x10      // written in a transaction
	attrControl   = 0x20      // a marker of the broker's own
	magicCurrent  = 2         //
	markerVersion = 0         // of a control record's key
	markerAbort   = int16(0)  // the transaction was aborted
	markerCommit  = int16(1)  // the transaction was committed
	noProducer    = int64(-1) // neither idempotent nor transactional
	largestBatch  = 64 << 20  // bytes: beyond any broker's limit here
)

func (b *batch) last() int64         { return b.FirstOffset + int64(b.LastOffsetDelta) }
func (b *batch) transactional() bool { return b.Attributes&attrTxn != 0 }
func (b *batch) control() bool       { return b.Attributes&attrControl != 0 }

var (
	errDamaged = errors.New("damaged record batch")
	// errCut is what the end of a fetch is: a batch of which only the beginning fits.
	errCut = errors.New("incomplete record batch")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// parseBatch reads the first batch of b and returns what follows it. What it does not vouch for it rejects by name: a
// wrong checksum, another format, compression (producers here use none), records that contradict the batch's header.
func parseBatch(b []byte) (*batch, []byte, error) {
	p, rest, err := parseBatchHead(b)
	if err != nil {
		return nil, nil, err
	}
	if err := p.split(); err != nil {
		return nil, nil, fmt.Errorf("kafka: %w at offset %d: %w", errDamaged, p.FirstOffset, err)
	}
	return p, rest, nil
}

// parseBatchHead is parseBatch without a look at the records.
func parseBatchHead(b []byte) (*batch, []byte, error) {
	if len(b) < batchHead {
		return nil, nil, errCut
	}
	first, length := int64(binary.BigEndian.Uint64(b)), int64(int32(binary.BigEndian.Uint32(b[8:])))
	damaged := func(format string, args ...any) (*batch, []byte, error) {
		return nil, nil, fmt.Errorf("kafka: %w at offset %d: %s", errDamaged, first, fmt.Sprintf(format, args...))
	}
	switch {
	case first < 0:
		return damaged("negative offset")
	case length < batchFixed-batchHead || length > largestBatch:
		return damaged("length %d", length)
	case int64(len(b)-batchHead) < length:
		return nil, nil, errCut
	}
	b, rest := b[:batchHead+length], b[batchHead+length:]
	if magic := b[16]; magic != magicCurrent {
		return damaged("format %d, want %d", magic, magicCurrent)
	}
	if want, got := binary.BigEndian.Uint32(b[crcOffset:]), crc32.Checksum(b[crcOffset+4:], castagnoli); got != want {
		return damaged("checksum %08x, want %08x", got, want)
	}
	p := &batch{}
	if err := p.ReadFrom(b); err != nil {
		return damaged("%v", err)
	}
	switch {
	case p.Attributes&attrCodec != 0:
		return damaged("compression %d, want none", p.Attributes&attrCodec)
	case p.NumRecords < 0 || int64(p.NumRecords) > int64(len(p.Records)/recordLeast):
		return damaged("%d records in %d bytes", p.NumRecords, len(p.Records))
	case p.LastOffsetDelta < 0 || p.last() < first:
		return damaged("last offset %d after the first", p.LastOffsetDelta)
	}
	return p, rest, nil
}

// split reads the records. Offsets are dense: nothing here is compacted.
func (b *batch) split() error {
	left := b.Records
	for i := range b.NumRecords {
		size, n := binary.Varint(left)
		if n <= 0 || size < 0 || size > int64(len(left)-n) {
			return fmt.Errorf("record %d of %d: length %d in %d bytes", i, b.NumRecords, size, len(left))
		}
		var r kmsg.Record
		if err := r.ReadFrom(left[:n+int(size)]); err != nil {
			return fmt.Errorf("record %d of %d: %w", i, b.NumRecords, err)
		}
		if r.OffsetDelta != i {
			return fmt.Errorf("record %d of %d is at offset %d after the first", i, b.NumRecords, r.OffsetDelta)
		}
		b.records = append(b.records, r)
		left = left[n+int(size):]
	}
	if len(left) > 0 {
		return fmt.Errorf("%d bytes after the last of %d records", len(left), b.NumRecords)
	}
	if b.NumRecords > 0 && b.LastOffsetDelta != b.NumRecords-1 {
		return fmt.Errorf("%d records up to offset %d after the first", b.NumRecords, b.LastOffsetDelta)
	}
	return nil
}

// marker reads a control batch: the end of its producer's transaction. It reports false for markers of other kinds.
func (b *batch) marker() (committed, ok bool) {
	if !b.control() || len(b.records) != 1 || len(b.records[0].Key) < 4 {
		return false, false
	}
	switch int16(binary.BigEndian.Uint16(b.records[0].Key[2:])) {
	case markerCommit:
		return true, true
	case markerAbort:
		return false, true
	}
	return false, false
}

// identityOf reads a stored record.
func identityOf(r kmsg.Record) identity {
	id := identityIn(r.Key, r.Value)
	for _, h := range r.Headers {
		id.header(h.Key, h.Value)
	}
	return id
}
