package workloads

import "math/rand/v2"

// prose is what all payloads are cut out of: a text of random letters, the same in every process, which begins anew at its end. A
// payload costs no more than finding its place. Those of messages whose numbers differ by less than proseLen differ; those of messages
// further apart may be alike, and their tokens tell them apart.
var prose = newText(proseLen)

const (
	proseLen = 1 << 16 // a power of two
	wordLen  = 12

	seqStride  = 61    // odd: every place is used before one is used again
	lifeStride = 40503 // proseLen divided by the golden ratio: places of several lives are as far apart as can be
)

const letters = "abcdefghijklmnopqrstuvwxyz012345"

// text holds itself twice, so that a slice may run over its end.
type text []byte

func newText(n int) text {
	rng := rand.NewPCG(1, 2)
	t := make(text, 2*n)
	for i := range n {
		t[i] = letters[rng.Uint64()%uint64(len(letters))]
		if i%wordLen == 0 {
			t[i] = ' '
		}
	}
	copy(t[n:], t[:n])
	return t
}

// at is where in the text a place is. Its length is a power of two.
func (t text) at(place uint64) int { return int(place & uint64(len(t)/2-1)) }

// slice is size bytes from a place on. What is not longer than the text itself is not copied, and nobody may write to it.
func (t text) slice(place uint64, size int) []byte {
	at := t.at(place)
	if end := at + size; end <= len(t) {
		return t[at:end:end]
	}
	return t.copy(place, size)
}

// copy is the same as a slice of the caller's own.
func (t text) copy(place uint64, size int) []byte {
	b := make([]byte, size)
	at := t.at(place)
	for n := copy(b, t[at:]); n < size; {
		n += copy(b[n:], t)
	}
	return b
}
