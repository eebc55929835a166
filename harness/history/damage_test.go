package history

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// specimen is a small segment of two blocks, and its events.
func specimen(t testing.TB) (path string, events []Event) {
	t.Helper()
	r := create(t, t.TempDir(), "specimen")
	var buffer [4]Event
	record := func() {
		for i := range uint64(8) {
			life(&buffer, i+1)
			for _, e := range buffer {
				must(t, r.Record(&e))
			}
		}
		must(t, r.Record(&Event{Kind: ConnLost, Name: "10.0.0.1:4222", Text: "reset by peer"}))
	}
	record()
	must(t, r.nextBlock())
	record()
	must(t, r.Close())
	path = r.window.file.Name()
	return path, read(t, path)
}

func TestASegmentCutAtAnyByteReadsUpToTheCutAndSaysSo(t *testing.T) {
	path, events := specimen(t)
	whole, err := os.ReadFile(path)
	must(t, err)
	for _, c := range []struct {
		name string
		make func() []byte
	}{
		{"sealed", func() []byte { return whole }},
		{"not sealed", func() []byte { return unsealed(whole) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			cut := filepath.Join(t.TempDir(), "cut.seg")
			most := 0
			for n := range len(whole) + 1 {
				must(t, os.WriteFile(cut, c.make()[:n], 0o644))
				h, err := Open(filepath.Dir(cut))
				if err != nil {
					t.Fatalf("cut at byte %d: %v", n, err)
				}
				if got := h.Segments()[0].Cut; (got == "") != (n == len(whole)) || got != "" && !strings.Contains(got, fmt.Sprintf("byte %d,", n)) {
					t.Fatalf("cut at byte %d of %d: Cut is %q", n, len(whole), got)
				}
				got, err := all(h)
				if err != nil {
					t.Fatalf("cut at byte %d: %v", n, err)
				}
				if len(got) < most || len(got) > len(events) {
					t.Fatalf("cut at byte %d: %d events, one byte less gave %d", n, len(got), most)
				}
				most = len(got)
				if diff := cmp.Diff(append([]Event(nil), events[:len(got)]...), got); diff != "" {
					t.Fatalf("cut at byte %d: what is left differs:\n%s", n, diff)
				}
			}
			if most != len(events) {
				t.Errorf("the whole segment has %d events, want %d", most, len(events))
			}
		})
	}
}

// unsealed is the segment as it was before it was sealed: without the last block's checksum and the mark.
func unsealed(whole []byte) []byte {
	b := append([]byte(nil), whole...)
	clear(b[sealAt:sealEnd])
	first := pageSize
	last := first + blockHeader + int(uint32(b[first])|uint32(b[first+1])<<8)
	clear(b[last : last+blockHeader])
	return b
}

func TestAFlippedByteIsNoticed(t *testing.T) {
	path, events := specimen(t)
	whole, err := os.ReadFile(path)
	must(t, err)
	bad, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	defer bad.Close()
	put := func(at int, b byte) {
		_, err := bad.WriteAt([]byte{b}, int64(at))
		must(t, err)
	}
	for at := range whole {
		for _, flip := range []byte{0x01, 0x80, 0xff} {
			put(at, whole[at]^flip)
			h, err := Open(filepath.Dir(path))
			if err == nil {
				err = h.Verify()
			}
			if at >= countersAt && at < committedAt {
				if got, readErr := all(h); err != nil || readErr != nil || len(got) != len(events) {
					t.Fatalf("byte %d, a counter's: %v, %v, %d events; it should not matter", at, err, readErr, len(got))
				}
				continue
			}
			want := ErrCorrupt
			switch {
			case at < len(magic):
				want = ErrNotHistory
			case at < len(magic)+4:
				want = ErrVersion
			}
			if !errors.Is(err, want) || !strings.Contains(err.Error(), path) {
				t.Fatalf("byte %d flipped by %#x: error %v, want %v with the path", at, flip, err, want)
			}
			if h == nil {
				continue
			}
			if _, err := all(h); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("byte %d flipped by %#x: reading gave %v, want %v", at, flip, err, ErrCorrupt)
			}
		}
		put(at, whole[at])
	}
}

func TestTheErrorNamesTheOffsetOfTheDamage(t *testing.T) {
	path, _ := specimen(t)
	whole, err := os.ReadFile(path)
	must(t, err)
	whole[pageSize+20] ^= 1
	must(t, os.WriteFile(path, whole, 0o644))
	h, err := Open(filepath.Dir(path))
	must(t, err)
	if err := h.Verify(); err == nil || !strings.Contains(err.Error(), path+" at byte 4096:") {
		t.Errorf("error %v does not name the block's offset", err)
	}
}

func TestAFolderWithoutSegmentsIsNotAHistory(t *testing.T) {
	if _, err := Open(t.TempDir()); !errors.Is(err, ErrNotHistory) {
		t.Errorf("error %v, want %v", err, ErrNotHistory)
	}
}

func TestAKindFromANewerWriterIsSkipped(t *testing.T) {
	r := create(t, t.TempDir(), "test")
	for i := range uint64(3) {
		must(t, r.Record(&Event{Kind: Send, Msg: Msg{3, i + 1}}))
		newer := Event{Kind: 120, Msg: Msg{1, i * 9}, Name: "time will tell what this is", To: 5}
		at := r.pos - r.window.start
		r.pos += int64(len(r.encoder.append(r.window.bytes[at:at], &newer, r.encoder.last+1000)))
	}
	must(t, r.Close())
	var seqs []uint64
	for _, e := range read(t, r.window.file.Name()) {
		seqs = append(seqs, e.Msg.Seq)
	}
	if diff := cmp.Diff([]uint64{1, 2, 3}, seqs); diff != "" {
		t.Errorf("events around the unknown ones:\n%s", diff)
	}
}

func TestRecordsThatNoRecorderWroteAreRefused(t *testing.T) {
	text := func(length uint64) []byte {
		b := []byte{byte(ConnOpen), 0}
		b = binary.AppendUvarint(b, 1<<fieldName)
		b = binary.AppendUvarint(b, length)
		return append(b, make([]byte, length)...)
	}
	long := func(field int, value uint64) []byte {
		return binary.AppendUvarint(binary.AppendUvarint([]byte{byte(Send), 0}, 1<<field), value)
	}
	for _, c := range []struct {
		name  string
		bytes []byte
		want  string // "" if they are read
	}{
		{"a string of the greatest length", text(MaxString), ""},
		{"a longer string", text(MaxString + 1), "a string of 65537 bytes"},
		{"a number that fits its field", long(fieldStatus, zigzag(255)), ""},
		{"a number that does not fit its field", long(fieldStatus, zigzag(256)), "does not fit field 9"},
		{"a negative number where none can be", long(fieldKey, zigzag(-1)), "does not fit field 4"},
		{"a field of a later version", long(fieldsKnown, 0), "a field 26"},
		{"a short form without an event before", []byte{shortForm}, "short form"},
		{"padding", append(long(fieldSeq, 2), 0, 0, 0), ""},
		{"padding that is longer than any", append(long(fieldSeq, 2), make([]byte, blockAlign)...), "behind the last record"},
		{"padding that is not zero", append(long(fieldSeq, 2), 0, 0, 1), "not zero"},
		{"a time that ends early", []byte{byte(Send), 0x80}, errShort.Error()},
		{"a number of more than 64 bits", append([]byte{byte(Send)}, bytes.Repeat([]byte{0xff}, 11)...), "more than 64 bits"},
	} {
		t.Run(c.name, func(t *testing.T) {
			events, err := decodeAll(c.bytes)
			switch {
			case c.want == "" && (err != nil || len(events) != 1):
				t.Errorf("%d events and error %v, want one event", len(events), err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}
