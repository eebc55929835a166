package workloads

import "waybill/harness/history"

// sums are the checksums of messages with payloads of one size, of which each payload is looked at but once.
type sums struct {
	sized *history.Sized
	parts []uint32 // of the payload at each place of the prose; 0: not known yet
}

func newSums(size int) sums {
	return sums{sized: history.NewSized(size), parts: make([]uint32, proseLen)}
}

// of is the checksum of a message whose payload begins at a place of the prose.
func (s *sums) of(m history.Msg, key uint32, place uint64, payload []byte) uint32 {
	part := &s.parts[place%proseLen]
	if *part == 0 {
		*part = s.sized.Part(payload)
	}
	return s.sized.Checksum(m, key, *part)
}
