package history

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzReader reads any bytes as a segment: it must not panic, and every error must be one of the package's.
func FuzzReader(f *testing.F) {
	path, _ := specimen(f)
	whole, err := os.ReadFile(path)
	must(f, err)
	f.Add(whole)
	f.Add(unsealed(whole))
	f.Add(whole[:len(whole)-7])
	f.Add(whole[:100])
	f.Add([]byte{})
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(dir, "fuzz.seg")
		must(t, os.WriteFile(path, b, 0o644))
		h, err := Open(dir)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrNotHistory) && !errors.Is(err, ErrVersion) {
				t.Errorf("Open: %v", err)
			}
			return
		}
		_, readErr := all(h)
		verifyErr := h.Verify()
		if (readErr == nil) != (verifyErr == nil) || readErr != nil && !errors.Is(readErr, ErrCorrupt) {
			t.Errorf("reading gave %v, verifying %v", readErr, verifyErr)
		}
		info := h.Segments()[0]
		refuse := info.Sealed == Unsealed && info.Bytes >= pageSize && (verifyErr != nil || info.Cut != "")
		if err := SealOrphan(path); (err != nil) != refuse {
			t.Errorf("SealOrphan gave %v, after Verify gave %v and Cut is %q", err, verifyErr, info.Cut)
		}
	})
}

// FuzzRecords reads any bytes as the records of a block, which no checksum protects while a block is not sealed. What
// can be read must be the same again after it was recorded.
func FuzzRecords(f *testing.F) {
	var c encoder
	var b []byte
	var buffer [4]Event
	for i := range uint64(5) {
		scattered(&buffer, i+1)
		for _, e := range buffer {
			b = c.append(b, &e, int64(i*1000+i*i))
		}
	}
	b = c.append(b, &Event{Kind: LifeEnd, Name: "host-1", Text: "exit status 2"}, 1<<40)
	f.Add(b)
	f.Add(append(b, 0, 0, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		events, err := decodeAll(b)
		var c encoder
		var again []byte
		for i := range events {
			again = c.append(again, &events[i], events[i].Time)
		}
		got, err2 := decodeAll(again)
		if diff := cmp.Diff(events, got); err2 != nil || diff != "" {
			t.Errorf("read (-) and read again (+), after %v and %v:\n%s", err, err2, diff)
		}
	})
}

func decodeAll(b []byte) (events []Event, err error) {
	var d decoder
	d.open(b)
	for {
		var e Event
		more, err := d.next(&e)
		if !more || err != nil {
			return events, err
		}
		events = append(events, e)
	}
}

// FuzzParseToken parses any text: what it accepts is exactly what Token writes.
func FuzzParseToken(f *testing.F) {
	f.Add(Token("testrun1", Msg{3, 77}, 0xdeadbeef))
	f.Add("wb1-testrun1-00003-0000000077-DEADBEEF")
	f.Add("wb1-")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		run, m, sum, err := ParseToken(s)
		if err != nil {
			if !errors.Is(err, ErrNotToken) {
				t.Errorf("error %v, want %v", err, ErrNotToken)
			}
			return
		}
		if again := Token(run, m, sum); again != s {
			t.Errorf("%q was parsed, but its message has the token %q", s, again)
		}
	})
}
