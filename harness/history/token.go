package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"unsafe"
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

// Checksum covers what a token travels with: its message, key and payload. It is the CRC-32C of the payload, begun at a hash of the
// message and key instead of at 0: whatever changes within 32 bits of the payload changes it for certain, and anything else but for
// one chance in four thousand million.
func Checksum(m Msg, key uint32, payload []byte) uint32 {
	return crc32.Update(beginning(m, key), castagnoli, payload)
}

// beginning is what a checksum begins at.
func beginning(m Msg, key uint32) uint32 {
	h := (m.Seq ^ uint64(m.Life)<<40 ^ uint64(key)<<20) * 0x9e3779b97f4a7c15 // two odd constants spread each bit over the upper half
	h = (h ^ h>>32 ^ uint64(key)) * 0xd6e8feb86659fd93
	return uint32(h >> 32)
}

// Prefix is the part of a token that names the message within run: enough to find it with grep.
func (m Msg) Prefix(run string) string {
	return fmt.Sprintf("%s%s-%05d-%010d", tokenVersion, run, m.Life, m.Seq)
}

// Token is the printable name of a message, of fixed width TokenLen. run has eight characters, none of them a hyphen;
// lives up to 99,999 and sequences below ten thousand million fit, which no run reaches.
func Token(run string, m Msg, sum uint32) string {
	return string(AppendToken(make([]byte, 0, TokenLen), run, m, sum))
}

// AppendToken appends Token to b: many tokens in one allocation.
func AppendToken(b []byte, run string, m Msg, sum uint32) []byte {
	b = append(b, tokenVersion...)
	b = append(b, run...)
	// Numbers are written eight digits at a time, the later ones over zeros that the one before wrote too many.
	b = append(b, "-00000-0000000000-00000000"...)
	end := b[len(b)-(TokenLen-tokenLife+1):]
	life, rest := uint32(m.Life)%100_000, m.Seq/100_000_000%100
	end[1] += byte(life / 10_000)
	binary.LittleEndian.PutUint32(end[2:], uint32(decimal(life%10_000)>>32))
	binary.LittleEndian.PutUint16(end[7:], uint16(decimal(uint32(rest))>>48))
	binary.LittleEndian.PutUint64(end[9:], decimal(uint32(m.Seq%100_000_000)))
	binary.LittleEndian.PutUint64(end[18:], hexadecimal(sum))
	return b
}

// CutToken parts bytes that begin as a token does from what follows it. Whether it is one, ParseToken says. ok is false, and rest everything,
// where there is none.
//
// The token is not a copy, since every message that is received passes here: b must not be written to while it is held, as it is not in
// what a broker's client hands over, and is not freed before.
func CutToken(b []byte) (token string, rest []byte, ok bool) {
	if len(b) < TokenLen || string(b[:tokenRun]) != tokenVersion {
		return "", b, false
	}
	return unsafe.String(&b[0], TokenLen), b[TokenLen:], true
}

// Neighbourhood is what the last eight digits of a token's sequence make, for tables in which messages that follow each other shall
// lie side by side; 0 where there are none. It says nothing of whether the token is one.
func Neighbourhood(token string) uint32 {
	if len(token) != TokenLen {
		return 0
	}
	var digits [eight]byte
	copy(digits[:], token[tokenSum-1-eight:])
	n, _ := parseDecimal(binary.LittleEndian.Uint64(digits[:]))
	return uint32(n)
}

// ParseToken reads a token back: it accepts what Token writes and nothing else. Errors wrap ErrNotToken.
func ParseToken(s string) (run string, m Msg, sum uint32, err error) {
	if b := []byte(s); len(b) == TokenLen {
		// Eight characters at a time, of which some belong to what is before a number: a zero is put in the place of each.
		life, ok1 := parseDecimal(lastDigits(binary.LittleEndian.Uint64(b[tokenSeq-1-eight:]), tokenSeq-1-tokenLife))
		top, ok2 := parseDecimal(lastDigits(binary.LittleEndian.Uint64(b[tokenSum-1-2*eight:]), tokenSum-1-tokenSeq-eight))
		seq, ok3 := parseDecimal(binary.LittleEndian.Uint64(b[tokenSum-1-eight:]))
		c, ok4 := parseHexadecimal(binary.LittleEndian.Uint64(b[tokenSum:]))
		if ok1 && ok2 && ok3 && ok4 && !hasHyphen(binary.LittleEndian.Uint64(b[tokenRun:])) &&
			string(b[:tokenRun]) == tokenVersion && b[tokenLife-1] == '-' && b[tokenSeq-1] == '-' && b[tokenSum-1] == '-' {
			return s[tokenRun : tokenLife-1], Msg{Life(life), top*100_000_000 + seq}, c, nil
		}
	}
	return "", Msg{}, 0, fmt.Errorf("%w: %.*q", ErrNotToken, 2*TokenLen, s)
}
