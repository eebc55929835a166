package history

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// The header page; doc.go has the picture.
const (
	magic         = "\x89waybill"
	formatVersion = 1

	pageSize    = 4096
	identityAt  = 16
	identitySum = 2044
	countersAt  = 2048
	committedAt = 3072
	sealAt      = 3080
	sealEnd     = 3088
)

// Blocks. A block is sealed when it holds blockTarget bytes; with the longest record and a full disk, on which no
// further block begins, it stays below maxBlock.
const (
	blockHeader = 8
	blockAlign  = 8
	blockTarget = 32 << 10
	maxBlock    = 256 << 10
)

// Extension is how the name of every segment ends.
const Extension = ".seg"

// Header says whose observations a segment holds.
type Header struct {
	Run       string // the eight characters that tokens carry
	Life      Life   // of the recording process
	Role      string // producer, consumer, inspector, …
	Slot      string // the place in the experiment that this life fills, as several do one after another
	Host      string // lab host it ran on
	Lane      string // name of the lane; empty if it serves all
	Goroutine string // which of the process's goroutines recorded here
	Version   string // of Waybill
}

func (h *Header) texts() [7]*string {
	return [...]*string{&h.Run, &h.Role, &h.Slot, &h.Host, &h.Lane, &h.Goroutine, &h.Version}
}

// Sealing says how a segment ended.
type Sealing uint32

const (
	Unsealed        Sealing = iota // its owner lives, or died and SealOrphan was not called
	SealedByOwner                  // closed: nothing was left to record
	SealedByHarness                // its owner died; what it had recorded is whole
)

// String is the sealing in words.
func (s Sealing) String() string {
	switch s {
	case Unsealed:
		return "not sealed"
	case SealedByOwner:
		return "sealed by its owner"
	case SealedByHarness:
		return "sealed by the harness"
	}
	return fmt.Sprintf("sealing-%d", uint32(s))
}

// encodePage makes the header page of an empty segment.
func encodePage(h Header) ([]byte, error) {
	id := binary.AppendUvarint(nil, uint64(h.Life))
	for _, s := range h.texts() {
		id = binary.AppendUvarint(id, uint64(len(*s)))
		id = append(id, *s...)
	}
	if len(id) > identitySum-identityAt {
		return nil, fmt.Errorf("%w: header of %d bytes, at most %d fit", ErrNotRecordable, len(id), identitySum-identityAt)
	}
	page := make([]byte, pageSize)
	copy(page, magic)
	binary.LittleEndian.PutUint32(page[8:], formatVersion)
	binary.LittleEndian.PutUint32(page[12:], uint32(len(id)))
	copy(page[identityAt:], id)
	binary.LittleEndian.PutUint32(page[identitySum:], crc32.Checksum(page[:identitySum], castagnoli))
	binary.LittleEndian.PutUint64(page[committedAt:], pageSize)
	return page, nil
}

// decodePage reads what there is of a header page. Where the page was cut it returns what can be known: the header
// only if its checksum is there. Errors wrap ErrNotHistory, ErrVersion or ErrCorrupt and do not name the file.
func decodePage(page []byte) (h Header, committed int64, sealing Sealing, err error) {
	if n := min(len(page), len(magic)); string(page[:n]) != magic[:n] {
		return h, 0, 0, fmt.Errorf("%w: the magic number is missing", ErrNotHistory)
	}
	if len(page) < identityAt {
		return h, 0, 0, nil
	}
	if v := binary.LittleEndian.Uint32(page[8:]); v != formatVersion {
		return h, 0, 0, fmt.Errorf("%w: version %d, this reader knows %d", ErrVersion, v, formatVersion)
	}
	if len(page) < countersAt {
		return h, 0, 0, nil
	}
	if crc32.Checksum(page[:identitySum], castagnoli) != binary.LittleEndian.Uint32(page[identitySum:]) {
		return h, 0, 0, fmt.Errorf("%w at byte 0: the checksum of the header is wrong", ErrCorrupt)
	}
	if h, err = decodeIdentity(page); err != nil || len(page) < pageSize {
		return h, 0, 0, err
	}
	for i, b := range page[sealEnd:] {
		if b != 0 {
			return h, 0, 0, fmt.Errorf("%w at byte %d: not zero", ErrCorrupt, sealEnd+i)
		}
	}
	committed = int64(binary.LittleEndian.Uint64(page[committedAt:]))
	if committed < pageSize {
		return h, 0, 0, fmt.Errorf("%w at byte %d: a committed length of %d lies in the header page", ErrCorrupt, committedAt, committed)
	}
	if word := binary.LittleEndian.Uint64(page[sealAt:]); word != 0 {
		sealing = Sealing(word >> 32)
		if sealing != SealedByOwner && sealing != SealedByHarness || word != sealWord(committed, sealing) {
			return h, 0, 0, fmt.Errorf("%w at byte %d: the checksum of the seal is wrong", ErrCorrupt, sealAt)
		}
	}
	return h, committed, sealing, nil
}

func decodeIdentity(page []byte) (h Header, err error) {
	n := binary.LittleEndian.Uint32(page[12:])
	if n > identitySum-identityAt {
		return h, fmt.Errorf("%w at byte 12: an identity of %d bytes", ErrCorrupt, n)
	}
	id := page[identityAt : identityAt+n]
	next := func() uint64 {
		v, n := binary.Uvarint(id)
		if n <= 0 {
			err = fmt.Errorf("%w at byte %d: the identity ends early", ErrCorrupt, identityAt)
			return 0
		}
		id = id[n:]
		return v
	}
	h.Life = Life(next())
	for _, s := range h.texts() {
		n := next()
		if err == nil && n > uint64(len(id)) {
			err = fmt.Errorf("%w at byte %d: the identity ends early", ErrCorrupt, identityAt)
		}
		if err != nil {
			return Header{}, err
		}
		*s, id = string(id[:n]), id[n:]
	}
	return h, err
}

// sealWord is the checksum and mark that seal a segment of the given length, as one number to be stored atomically.
func sealWord(committed int64, s Sealing) uint64 {
	var b [12]byte
	binary.LittleEndian.PutUint64(b[:], uint64(committed))
	binary.LittleEndian.PutUint32(b[8:], uint32(s))
	return uint64(s)<<32 | uint64(crc32.Checksum(b[:], castagnoli))
}

// blockWord is the length and checksum that seal a block at offset, as one number to be stored atomically.
func blockWord(offset int64, records []byte) uint64 {
	var b [12]byte
	binary.LittleEndian.PutUint64(b[:], uint64(offset))
	binary.LittleEndian.PutUint32(b[8:], uint32(len(records)))
	sum := crc32.Update(crc32.Checksum(b[:], castagnoli), castagnoli, records)
	return uint64(sum)<<32 | uint64(len(records))
}
