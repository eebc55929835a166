package kafka

import (
	"encoding/binary"
	"errors"
	"fmt"

	"waybill/harness/history"
)

// glance tells the token and the attempt of each record of a batch, in order, and looks at nothing else of them: every message that is
// sent passes here, and reading all of it would take longer than sending it. The token is the batch's own bytes.
func (b *batch) glance(each func(token string, attempt uint32)) error {
	left := reader{bytes: b.Records}
	for i := range b.NumRecords {
		record := reader{bytes: left.field()}
		record.skip(1)  // attributes
		record.number() // time after the batch's
		record.number() // offset after the batch's
		record.field()  // key
		token, _, ok := history.CutToken(record.field())
		attempt := uint32(0)
		if ok {
			attempt = 1
		}
		for range record.number() {
			name, value := record.field(), record.field()
			if record.broken {
				break
			}
			if string(name) == headerAttempt {
				attempt = number(value)
			}
		}
		if left.broken || record.broken || len(record.bytes) > 0 {
			return fmt.Errorf("kafka: %w: record %d of %d", errUnreadable, i, b.NumRecords)
		}
		each(token, attempt)
	}
	if len(left.bytes) > 0 {
		return fmt.Errorf("kafka: %w: %d bytes after the last of %d records", errUnreadable, len(left.bytes), b.NumRecords)
	}
	return nil
}

var errUnreadable = errors.New("record that cannot be read")

// reader takes a record apart. Once something does not fit it is broken, and says nothing more.
type reader struct {
	bytes  []byte
	broken bool
}

func (r *reader) number() int64 {
	v, n := binary.Varint(r.bytes)
	if n <= 0 {
		r.broken, r.bytes = true, nil
		return 0
	}
	r.bytes = r.bytes[n:]
	return v
}

// field is a length and that many bytes; a length of -1 is none.
func (r *reader) field() []byte {
	n := r.number()
	if n == -1 {
		return nil
	}
	if n < 0 || n > int64(len(r.bytes)) {
		r.broken, r.bytes = true, nil
		return nil
	}
	f := r.bytes[:n]
	r.bytes = r.bytes[n:]
	return f
}

func (r *reader) skip(n int) {
	if n > len(r.bytes) {
		r.broken, r.bytes = true, nil
		return
	}
	r.bytes = r.bytes[n:]
}
