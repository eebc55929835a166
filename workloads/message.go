package workloads

import (
	"math/rand/v2"

	"waybill/harness/history"
)

const letters = "abcdefghijklmnopqrstuvwxyz012345"

// Stamp makes messages: key, payload and token are functions of the run's seed and the message's identity alone,
// so that a retry carries the same bytes without their being kept.
type Stamp struct {
	Run  string // eight characters
	Seed uint64
	Size int // of the payload, bytes
	Keys int // how many keys messages are spread over
}

// Key is the key that message m travels under.
func (s Stamp) Key(m history.Msg) uint32 {
	if s.Keys < 2 {
		return 0
	}
	return uint32(m.Seq % uint64(s.Keys))
}

// Payload is printable, so that it can be read in a broker's files.
func (s Stamp) Payload(m history.Msg) []byte {
	rng := rand.NewPCG(s.Seed^uint64(m.Life)<<40, m.Seq)
	p := make([]byte, s.Size)
	for i := range p {
		if i%12 == 0 {
			p[i] = ' '
			continue
		}
		p[i] = letters[rng.Uint64()%uint64(len(letters))]
	}
	return p
}

// Token names message m and covers its key and payload.
func (s Stamp) Token(m history.Msg, payload []byte) string {
	return history.Token(s.Run, m, history.Checksum(m, s.Key(m), payload))
}

// Identify reads a received token back and says what is wrong with it: Foreign when it is of another run or no token at all,
// Corrupt when its checksum does not match the key and payload it came with. text is the token where it is foreign.
func (s Stamp) Identify(token string, key uint32, payload []byte) (m history.Msg, flags history.Flags, text string) {
	run, m, sum, err := history.ParseToken(token)
	switch {
	case err != nil || run != s.Run:
		return history.Msg{}, history.Foreign, token
	case sum != history.Checksum(m, key, payload):
		return m, history.Corrupt, ""
	}
	return m, 0, ""
}
