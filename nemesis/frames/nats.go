package frames

import (
	"bytes"
	"hash/maphash"
	"strings"
	"sync"
)

// natsSession follows the NATS client protocol: https://docs.nats.io/reference/reference-protocols/nats-protocol.
type natsSession struct {
	seed maphash.Seed

	mu    sync.Mutex
	wants map[uint64]awaited // reply subjects of publishes, by hash
	order []uint64           // a ring of the same, oldest at next once it is full
	next  int
	last  uint64 // of the newest publish; 0 without a reply subject
}

// awaited is what is known of a reply subject.
type awaited uint8

const (
	once  awaited = iota + 1 // an answer
	twice                    // an answer, and then that to a copy
	extra                    // only that to a copy
)

func openNATS() session {
	return &natsSession{seed: maphash.MakeSeed(), wants: map[uint64]awaited{}}
}

var (
	natsOut = []string{"PUB", "HPUB", "CONNECT", "SUB", "UNSUB", "PING", "PONG"}
	natsIn  = []string{"MSG", "HMSG", "INFO", "+OK", "-ERR", "PING", "PONG"}
)

// blank is what separates words.
func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// word is how long the first word of b is; all of b where nothing ends it.
func word(b []byte) int {
	for i, c := range b {
		if blank(c) {
			return i
		}
	}
	return len(b)
}

// natsOp finds which operation b begins with. An answer that is neither an operation nor an error asks for more.
func natsOp(b []byte, ops []string) (string, error) {
	const longest = len("CONNECT")
	b = b[:min(len(b), longest+1)]
	n := word(b)
	for _, op := range ops {
		if n > len(op) || op[0] != b[0]&^0x20 && op[0] != b[0] || !strings.EqualFold(op[:n], string(b[:n])) {
			continue
		}
		if n == len(b) {
			return "", nil
		}
		if n == len(op) {
			return op, nil
		}
	}
	return "", errNotUnderstood
}

// natsMessage is the first line of a frame that carries a message.
type natsMessage struct {
	subject, reply []byte
	line           int // bytes of the line
	header, size   int // of what follows: the header, and that with the payload
}

// readMessage reads a line of op, with before words between the subject and the optional reply. false asks for more.
func readMessage(b []byte, headed bool, before int) (m natsMessage, ok bool, err error) {
	m.line = bytes.IndexByte(b[:min(len(b), maxNATSLine)], '\n') + 1
	if m.line == 0 {
		if len(b) >= maxNATSLine {
			return m, false, errNotUnderstood
		}
		return m, false, nil
	}
	var words [7][]byte
	n := 0
	for rest := b[:m.line]; len(rest) > 0; {
		end := word(rest)
		if end == 0 {
			rest = rest[1:]
			continue
		}
		if n == len(words) {
			return m, false, errNotUnderstood
		}
		words[n], rest = rest[:end], rest[end:]
		n++
	}
	sizes := 1
	if headed {
		sizes = 2
	}
	least := 2 + before + sizes
	if n != least && n != least+1 {
		return m, false, errNotUnderstood
	}
	m.subject = words[1]
	if n > least {
		m.reply = words[2+before]
	}
	if m.size, ok = number(words[n-1]); !ok {
		return m, false, errNotUnderstood
	}
	if headed {
		if m.header, ok = number(words[n-2]); !ok || m.header > m.size {
			return m, false, errNotUnderstood
		}
	}
	return m, true, nil
}

func number(b []byte) (n int, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' || n > maxNATSFrame {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, len(b) > 0 && n <= maxNATSFrame
}

func (m natsMessage) frame() frame { return frame{size: int64(m.line + m.size + 2), end: '\n'} }

func (s *natsSession) out(b []byte) (frame, bool, error) {
	op, err := natsOp(b, natsOut)
	if op == "" {
		return frame{}, false, err
	}
	if op != "PUB" && op != "HPUB" {
		return frame{line: true}, true, nil
	}
	m, ok, err := readMessage(b, op == "HPUB", 0)
	if !ok {
		return frame{}, false, err
	}
	f := m.frame()
	switch {
	case bytes.HasPrefix(m.subject, []byte("$JS.ACK.")):
		const longest = len("+TERM")
		body, want := m.line+m.header, min(longest, m.size-m.header)
		if m.header > maxNATSLine {
			return frame{}, false, errNotUnderstood
		}
		if len(b) < body+want {
			return frame{}, false, nil
		}
		if acknowledges(b[body : body+want]) {
			f.kind = Ack
		}
	case stores(m.subject):
		f.kind = Publish
		s.asked(m.reply)
	}
	return f, true, nil
}

// stores reports whether a message published on subject may be meant for a stream: it is neither a request to the server nor
// an answer to somebody.
func stores(subject []byte) bool {
	if subject[0] != '$' && subject[0] != '_' {
		return true
	}
	for _, p := range []string{"$JS.", "$SYS.", "$SRV.", "_INBOX.", "_R_."} {
		if bytes.HasPrefix(subject, []byte(p)) {
			return false
		}
	}
	return true
}

// acknowledges tells an acknowledgement from a sign of progress (+WPI), by its first bytes. No payload is one.
func acknowledges(payload []byte) bool {
	if len(payload) == 0 {
		return true
	}
	for _, p := range []string{"+ACK", "-NAK", "+NXT", "+TERM"} {
		if bytes.HasPrefix(payload, []byte(p)) {
			return true
		}
	}
	return false
}

// asked remembers the reply subject of a publish, and forgets the oldest where there are too many.
func (s *natsSession) asked(reply []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(reply) == 0 {
		s.last = 0
		return
	}
	h := s.hash(reply)
	s.last = h
	if _, known := s.wants[h]; !known {
		if len(s.order) < maxAnswers {
			s.order = append(s.order, h)
		} else {
			delete(s.wants, s.order[s.next])
			s.order[s.next] = h
			s.next = (s.next + 1) % maxAnswers
		}
	}
	s.wants[h] = once
}

func (s *natsSession) hash(b []byte) uint64 { return maphash.Bytes(s.seed, b) | 1 }

func (s *natsSession) in(b []byte) (frame, bool, error) {
	op, err := natsOp(b, natsIn)
	if op == "" {
		return frame{}, false, err
	}
	if op != "MSG" && op != "HMSG" {
		return frame{line: true, ping: op == "PING"}, true, nil
	}
	m, ok, err := readMessage(b, op == "HMSG", 1)
	if !ok {
		return frame{}, false, err
	}
	// That nobody took the message is told in a header of its own, and confirms nothing.
	const nobody = "NATS/1.0 503"
	want := min(len(nobody), m.header)
	if len(b) < m.line+want {
		return frame{}, false, nil
	}
	f := m.frame()
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hash(m.subject)
	switch s.wants[h] {
	case once:
		f.kind = Confirm
		delete(s.wants, h)
	case twice:
		f.kind = Confirm
		s.wants[h] = extra
	case extra:
		f.answersCopy = true
		delete(s.wants, h)
	}
	if f.kind == Confirm && string(b[m.line:m.line+want]) == nobody {
		f.kind = ""
	}
	return f, true, nil
}

func (s *natsSession) again([]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last != 0 {
		s.wants[s.last] = twice
	}
}
