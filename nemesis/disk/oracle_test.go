package disk

import (
	"bytes"
	"fmt"
	"slices"
	"time"
)

// oracle is what a disk should hold, written down as simply as can be: each file's content twice, and each folder's
// names twice. It shares no code with the disk.
type oracle struct {
	strict bool
	age    time.Duration // after which a file is durable by itself; 0: never
	now    time.Time
	files  []*oracleFile
	seen   map[string]map[string]*oracleFile // folder, name
	kept   map[string]map[string]*oracleFile // what strict goes back to
}

type oracleFile struct {
	seen, synced []byte
	unsynced     []bool    // of each byte seen: it was written since the sync
	cut          int       // the shortest it has been since
	since        time.Time // of the first change since; zero: none
}

func (o *oracle) changed(f *oracleFile) {
	if f.since.IsZero() {
		f.since = o.now
	}
}

func (f *oracleFile) write(at int, data []byte) {
	f.lengthen(at + len(data))
	copy(f.seen[at:], data)
	for i := range data {
		f.unsynced[at+i] = true
	}
}

func (f *oracleFile) lengthen(size int) {
	if need := size - len(f.seen); need > 0 {
		f.seen, f.unsynced = append(f.seen, make([]byte, need)...), append(f.unsynced, make([]bool, need)...)
	}
}

func (f *oracleFile) resize(size int) {
	f.lengthen(size)
	f.seen, f.unsynced, f.cut = f.seen[:size], f.unsynced[:size], min(f.cut, size)
}

func (f *oracleFile) sync() {
	f.synced, f.unsynced, f.cut, f.since = slices.Clone(f.seen), make([]bool, len(f.seen)), len(f.seen), time.Time{}
}

// forgotten counts what a power failure takes.
func (f *oracleFile) forgotten() (n int64) {
	for _, u := range f.unsynced {
		if u {
			n++
		}
	}
	return n
}

// crash checks the content that a disk came back with, and goes on from it.
func (f *oracleFile) crash(got []byte, torn bool) error {
	if !torn && !bytes.Equal(got, f.synced) {
		return fmt.Errorf("%d bytes, want exactly the %d synced ones (%d were seen)", len(got), len(f.synced), len(f.seen))
	}
	if torn && !bytes.Equal(got, f.synced) {
		if err := f.torn(got); err != nil {
			return err
		}
	}
	f.seen = slices.Clone(got)
	f.sync()
	return nil
}

// torn checks that a file is its durable beginning with some of the pages written since, each whole or not at all.
func (f *oracleFile) torn(got []byte) error {
	base := f.synced[:min(len(f.synced), f.cut)]
	last := map[int]int{} // the end of what was written in a page
	for at, u := range f.unsynced {
		if u {
			last[at/pageSize] = at + 1
		}
	}
	survived := false
	end := len(base)
	for start := 0; start < max(len(got), len(f.seen)); start += pageSize {
		without := make([]byte, pageSize)
		copy(without, base[min(start, len(base)):])
		with := slices.Clone(without)
		for i := range with {
			if at := start + i; at < len(f.seen) && f.unsynced[at] {
				with[i] = f.seen[at]
			}
		}
		have := make([]byte, pageSize)
		copy(have, got[min(start, len(got)):])
		switch {
		case bytes.Equal(have, without):
		case bytes.Equal(have, with):
			survived = true
			end = max(end, last[start/pageSize])
		default:
			return fmt.Errorf("page %d is neither what was synced nor what was written", start/pageSize)
		}
	}
	// A page that survived with zeros alone cannot be told from one that did not: it may lengthen the file.
	for _, at := range last {
		if len(got) == at && at >= end {
			return nil
		}
	}
	if len(got) != end {
		return fmt.Errorf("%d bytes, want %d (a page survived: %v)", len(got), end, survived)
	}
	return nil
}
