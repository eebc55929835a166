package kafka

import (
	"encoding/binary"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// frame is one request as a client writes it: what its header says, and the rest unread.
type frame struct {
	key, version int16
	body         []byte
}

// parseFrame reads the header of a request with its length before it. It reports false if b is not one whole request.
// SASL's exchanges before the first request of old brokers are not requests; the versions here always wrap them in one.
func parseFrame(b []byte) (frame, bool) {
	const fixed = 4 + 2 + 2 + 4 + 2 // length, key, version, correlation id, length of the client's name
	if len(b) < fixed || int64(binary.BigEndian.Uint32(b)) != int64(len(b)-4) {
		return frame{}, false
	}
	r := frame{key: int16(binary.BigEndian.Uint16(b[4:])), version: int16(binary.BigEndian.Uint16(b[6:]))}
	name := int(int16(binary.BigEndian.Uint16(b[12:])))
	r.body = b[fixed:]
	if name > 0 {
		if name > len(r.body) {
			return frame{}, false
		}
		r.body = r.body[name:]
	}
	form := kmsg.RequestForKey(r.key)
	if form == nil {
		return r, true // newer than the library: nothing that is looked into
	}
	if form.SetVersion(r.version); form.IsFlexible() {
		if len(r.body) == 0 || r.body[0] != 0 { // tags: the library writes none
			return frame{}, false
		}
		r.body = r.body[1:]
	}
	return r, true
}

// read parses the body into a request of its kind.
func (r frame) read(into kmsg.Request) error {
	into.SetVersion(r.version)
	if err := into.ReadFrom(r.body); err != nil {
		return fmt.Errorf("kafka: %s request, version %d: %w", kmsg.NameForKey(r.key), r.version, err)
	}
	return nil
}
