package history

import "math/bits"

// Digits are written and read eight at a time, each in a byte of a word of which the first character is the lowest: each multiplication
// and shift below works on several digits, whose fields are wide enough that none runs into the next (SIMD within a register).

// eight is how many characters a word has.
const eight = 8

const (
	ones  = 0x0101010101010101 // a word of bytes of 1
	zeros = '0' * ones         // of characters
	// aboveNine is what the letter for ten is further from that for nine than one digit is from the next.
	aboveNine = 'a' - '9' - 1
)

// decimal is n < 100,000,000 in eight digits.
func decimal(n uint32) uint64 {
	w := uint64(n/10_000) | uint64(n%10_000)<<32 // four digits in a field
	q := (w * 5243 >> 19) & 0x0000007f_0000007f  // each divided by 100: right for all below 43,699
	w = q | (w-100*q)<<16
	q = (w * 103 >> 10) & 0x000f_000f_000f_000f // by 10: right for all below 179
	return (q | (w-10*q)<<8) + zeros
}

// parseDecimal is the number whose eight digits w has.
func parseDecimal(w uint64) (n uint64, ok bool) {
	// Adding 6 takes no digit out of its row of sixteen characters, but those that come after 9 there.
	ok = w&(0xf0*ones) == zeros && (w+6*ones)&(0xf0*ones) == zeros
	w = (w & (0x0f * ones)) * (10<<8 + 1) >> 8
	w = (w & 0x00ff_00ff_00ff_00ff) * (100<<16 + 1) >> 16
	return (w & 0x0000ffff_0000ffff) * (10_000<<32 + 1) >> 32, ok
}

// hexadecimal is n in eight digits.
func hexadecimal(n uint32) uint64 {
	w := uint64(bits.ReverseBytes32(n))
	w = (w | w<<16) & 0x0000ffff_0000ffff
	w = (w | w<<8) & 0x00ff_00ff_00ff_00ff
	return characters((w>>4 | w<<8) & (0x0f * ones))
}

// characters are the digits of numbers below 16.
func characters(w uint64) uint64 {
	return w + zeros + ((w+6*ones)>>4&ones)*aboveNine
}

// parseHexadecimal is the number whose eight digits w has, with small letters only.
func parseHexadecimal(w uint64) (n uint32, ok bool) {
	v := w&(0x0f*ones) + (w>>6&ones)*9
	ok = v&(0xf0*ones) == 0 && characters(v) == w
	v = (v<<4 | v>>8) & 0x00ff_00ff_00ff_00ff
	v = (v<<8 | v>>16) & 0x0000ffff_0000ffff
	return uint32(v<<16 | v>>32), ok
}

// lastDigits are the last n characters of a word, after zeros.
func lastDigits(w uint64, n int) uint64 {
	others := uint64(1)<<(8*(eight-n)) - 1
	return w&^others | zeros&others
}

// hasHyphen says whether one of eight characters is a hyphen: exact, since a byte that is 0 borrows only from those after it.
func hasHyphen(w uint64) bool {
	w ^= '-' * ones
	return (w-ones)&^w&(0x80*ones) != 0
}
