package workloads

import (
	"waybill/harness/experiment"
	"waybill/harness/history"
)

// Stamp makes messages: key, payload and token are functions of the run's seed and the message's identity alone,
// so that a retry carries the same bytes without their being kept.
type Stamp struct {
	Run  string // eight characters
	Seed uint64
	Size int // of the payload, bytes
	Keys int // how many keys messages are spread over
}

// NewStamp makes the messages of a load. A message is as long as the load says, token and all, where there is room for a payload; without
// tokens it is payload alone, and as long.
func NewStamp(run string, seed uint64, l experiment.Load) Stamp {
	s := Stamp{Run: run, Seed: seed, Size: l.Size, Keys: l.Keys}
	if l.Record != experiment.NoTokens {
		s.Size = max(1, l.Size-history.TokenLen)
	}
	return s
}

// Key is the key that message m travels under.
func (s Stamp) Key(m history.Msg) uint32 {
	if s.Keys < 2 {
		return 0
	}
	return uint32(m.Seq % uint64(s.Keys))
}

// Payload is printable, so that it can be read in a broker's files. The slice is the caller's.
func (s Stamp) Payload(m history.Msg) []byte { return prose.copy(s.place(m), s.Size) }

// shared is the same bytes, which nobody may change: every message whose payload begins at the same place has them.
func (s Stamp) shared(m history.Msg) []byte { return prose.slice(s.place(m), s.Size) }

// place is where in the prose a message's payload begins: one word further with each message, and far from that of other lives.
func (s Stamp) place(m history.Msg) uint64 {
	return (m.Seq+uint64(m.Life)*lifeStride)*seqStride + s.Seed*0x9e3779b97f4a7c15>>32
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

// Effect reads back the token of an effect, which has no payload beside it: its checksum must be that of the payload that the message
// was sent with. It says the same as Identify.
func (s Stamp) Effect(token string) (m history.Msg, flags history.Flags, text string) {
	_, m, _, err := history.ParseToken(token)
	if err != nil {
		return history.Msg{}, history.Foreign, token
	}
	return s.Identify(token, s.Key(m), s.shared(m))
}
