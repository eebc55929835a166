package history

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// MaxString is the length in bytes that Event.Name and Event.Text may have when recorded.
const MaxString = 64 << 10

// The fields of a record, by their bit in its mask.
const (
	fieldLife = iota
	fieldSeq
	fieldOffset
	fieldTag
	fieldKey
	fieldBrokerTime
	fieldCall
	fieldIntended
	fieldAttempt
	fieldStatus
	fieldReason
	fieldOrigin
	fieldFlags
	fieldCount
	fieldLane
	fieldSession
	fieldTxn
	fieldRef
	fieldOther
	fieldPartition
	fieldEpoch
	fieldFrom
	fieldTo
	fieldName
	fieldText
	fieldIncarnation
	fieldsKnown

	// fieldsOfMessage come first in a record: further predictions rest on them.
	fieldsOfMessage = 1<<fieldLife | 1<<fieldSeq
)

// maxNumbers bounds a record without the bytes of its strings: kind, time, mask, and every field as a varint.
const maxNumbers = 1 + binary.MaxVarintLen64*(2+fieldsKnown)

// differences hold what has to be added to each predicted number, in 64-bit arithmetic that wraps around.
type differences [fieldsKnown]uint64

// fill compares e with its prediction p and returns the mask of the fields that differ; the other differences are
// left as they were.
func (d *differences) fill(e, p *Event) uint64 {
	mask := d.number(fieldLife, uint64(e.Msg.Life), uint64(p.Msg.Life)) |
		d.number(fieldSeq, e.Msg.Seq, p.Msg.Seq) |
		d.number(fieldOffset, uint64(e.Pos.Offset), uint64(p.Pos.Offset)) |
		d.number(fieldTag, e.Tag, p.Tag) |
		d.number(fieldKey, uint64(e.Key), uint64(p.Key)) |
		d.number(fieldBrokerTime, uint64(e.BrokerTime), uint64(p.BrokerTime)) |
		d.number(fieldCall, e.Call, p.Call) |
		d.number(fieldIntended, uint64(e.Intended), uint64(p.Intended)) |
		d.number(fieldAttempt, uint64(e.Attempt), uint64(p.Attempt)) |
		d.number(fieldStatus, uint64(e.Status), uint64(p.Status)) |
		d.number(fieldReason, uint64(e.Reason), uint64(p.Reason)) |
		d.number(fieldOrigin, uint64(e.Origin), uint64(p.Origin)) |
		d.number(fieldFlags, uint64(e.Flags), uint64(p.Flags)) |
		d.number(fieldCount, e.Count, p.Count) |
		d.number(fieldLane, uint64(e.Lane), uint64(p.Lane)) |
		d.number(fieldSession, uint64(e.Session), uint64(p.Session)) |
		d.number(fieldTxn, e.Txn, p.Txn) |
		d.number(fieldRef, e.Ref, p.Ref) |
		d.number(fieldOther, uint64(e.Other), uint64(p.Other)) |
		d.number(fieldPartition, uint64(e.Pos.Partition), uint64(p.Pos.Partition)) |
		d.number(fieldEpoch, e.Pos.Epoch, p.Pos.Epoch) |
		d.number(fieldFrom, uint64(e.From), uint64(p.From)) |
		d.number(fieldTo, uint64(e.To), uint64(p.To)) |
		d.number(fieldIncarnation, uint64(e.Pos.Incarnation), uint64(p.Pos.Incarnation))
	if e.Name != p.Name {
		mask |= 1 << fieldName
	}
	if e.Text != p.Text {
		mask |= 1 << fieldText
	}
	return mask
}

func (d *differences) number(field int, actual, predicted uint64) uint64 {
	if actual == predicted {
		return 0
	}
	d[field] = actual - predicted
	return 1 << field
}

// add adds a difference to a field that is a number, and says whether the sum fits it.
func (e *Event) add(field int, d uint64) bool {
	switch field {
	case fieldLife:
		return addSmall(&e.Msg.Life, d)
	case fieldSeq:
		e.Msg.Seq += d
	case fieldOffset:
		e.Pos.Offset += int64(d)
	case fieldTag:
		e.Tag += d
	case fieldKey:
		return addSmall(&e.Key, d)
	case fieldBrokerTime:
		e.BrokerTime += int64(d)
	case fieldCall:
		e.Call += d
	case fieldIntended:
		e.Intended += int64(d)
	case fieldAttempt:
		return addSmall(&e.Attempt, d)
	case fieldStatus:
		return addSmall(&e.Status, d)
	case fieldReason:
		return addSmall(&e.Reason, d)
	case fieldOrigin:
		return addSmall(&e.Origin, d)
	case fieldFlags:
		return addSmall(&e.Flags, d)
	case fieldCount:
		e.Count += d
	case fieldLane:
		return addSmall(&e.Lane, d)
	case fieldSession:
		return addSmall(&e.Session, d)
	case fieldTxn:
		e.Txn += d
	case fieldRef:
		e.Ref += d
	case fieldOther:
		return addSmall(&e.Other, d)
	case fieldPartition:
		return addSmall(&e.Pos.Partition, d)
	case fieldEpoch:
		e.Pos.Epoch += d
	case fieldFrom:
		e.From += int64(d)
	case fieldTo:
		e.To += int64(d)
	case fieldIncarnation:
		return addSmall(&e.Pos.Incarnation, d)
	default:
		panic(fmt.Sprintf("history: field %d is not a number", field))
	}
	return true
}

func addSmall[T ~uint8 | ~uint16 | ~uint32](to *T, d uint64) bool {
	sum := uint64(*to) + d
	*to = T(sum)
	return uint64(*to) == sum
}

// appendFields appends the fields in mask.
func appendFields(b []byte, mask uint64, e *Event, d *differences) []byte {
	for ; mask != 0; mask &= mask - 1 {
		switch field := bits.TrailingZeros64(mask); field {
		case fieldName:
			b = append(binary.AppendUvarint(b, uint64(len(e.Name))), e.Name...)
		case fieldText:
			b = append(binary.AppendUvarint(b, uint64(len(e.Text))), e.Text...)
		default:
			b = binary.AppendUvarint(b, zigzag(int64(d[field])))
		}
	}
	return b
}

func zigzag(v int64) uint64   { return uint64(v<<1) ^ uint64(v>>63) }
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }
