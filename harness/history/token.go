package history

import (
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
)

// A token is "wb1-RUN-LIFE-SEQUENCE-CHECKSUM": eight characters, five and ten decimal digits, eight hexadecimal ones.
const (
	tokenVersion = "wb1-"
	tokenRun     = len(tokenVersion)
	tokenLife    = tokenRun + len("00000000-")
	tokenSeq     = tokenLife + len("00000-")
	tokenSum     = tokenSeq + len("0000000000-")

	// TokenLen is the length of every token in bytes.
	TokenLen = tokenSum + len("00000000")
)

// ErrNotToken marks bytes that no Waybill producer ever wrote.
var ErrNotToken = errors.New("history: not a token")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Checksum covers what a token travels with: its message, key and payload.
func Checksum(m Msg, key uint32, payload []byte) uint32 {
	var buffer [48]byte
	head := strconv.AppendUint(buffer[:0], uint64(m.Life), 10)
	head = strconv.AppendUint(append(head, '-'), m.Seq, 10)
	head = strconv.AppendUint(append(head, '-'), uint64(key), 10)
	return crc32.Update(crc32.Checksum(append(head, '-'), castagnoli), castagnoli, payload)
}

// Prefix is the part of a token that names the message within run: enough to find it with grep.
func (m Msg) Prefix(run string) string {
	return fmt.Sprintf("%s%s-%05d-%010d", tokenVersion, run, m.Life, m.Seq)
}

// Token is the printable name of a message, of fixed width TokenLen. run has eight characters, none of them a hyphen;
// lives up to 99,999 and sequences below ten thousand million fit, which no run reaches.
func Token(run string, m Msg, sum uint32) string {
	return fmt.Sprintf("%s-%08x", m.Prefix(run), sum)
}

// ParseToken reads a token back: it accepts what Token writes and nothing else. Errors wrap ErrNotToken.
func ParseToken(s string) (run string, m Msg, sum uint32, err error) {
	ok := len(s) == TokenLen && s[:tokenRun] == tokenVersion && s[tokenLife-1] == '-' && s[tokenSeq-1] == '-' && s[tokenSum-1] == '-'
	if ok {
		run = s[tokenRun : tokenLife-1]
		life, ok1 := parseDigits(s[tokenLife:tokenSeq-1], 10)
		seq, ok2 := parseDigits(s[tokenSeq:tokenSum-1], 10)
		c, ok3 := parseDigits(s[tokenSum:], 16)
		m, sum = Msg{Life(life), seq}, uint32(c)
		ok = ok1 && ok2 && ok3 && !strings.Contains(run, "-")
	}
	if !ok {
		return "", Msg{}, 0, fmt.Errorf("%w: %.*q", ErrNotToken, 2*TokenLen, s)
	}
	return run, m, sum, nil
}

// parseDigits reads digits and lower-case letters only, unlike strconv.
func parseDigits(s string, base uint64) (n uint64, ok bool) {
	for i := range len(s) {
		digit := uint64(strings.IndexByte("0123456789abcdef", s[i]))
		if digit >= base {
			return 0, false
		}
		n = n*base + digit
	}
	return n, true
}
