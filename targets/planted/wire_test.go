package planted

import (
	"bufio"
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func drawRecord(t *rapid.T) record {
	return record{life: rapid.Uint32().Draw(t, "life"), seq: rapid.Uint64().Draw(t, "seq"), attempt: rapid.Uint32().Draw(t, "attempt"),
		key: rapid.Uint32().Draw(t, "key"), token: rapid.StringN(0, 60, 200).Draw(t, "token"), payload: rapid.SliceOf(rapid.Byte()).Draw(t, "payload")}
}

func TestRecordsAreReadBackAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(rapid.Custom(drawRecord), 1, 5).Draw(t, "records")
		var b []byte
		for _, r := range want {
			b = appendRecord(b, r)
		}
		d := &decoder{b: b}
		for _, w := range want {
			got := d.record()
			if d.bad || !cmp.Equal(w, got, cmp.AllowUnexported(record{})) {
				t.Fatal(cmp.Diff(w, got, cmp.AllowUnexported(record{})))
			}
		}
		if d.at != len(b) {
			t.Fatalf("%d bytes are left", len(b)-d.at)
		}
		cut := &decoder{b: b[:rapid.IntRange(0, len(b)-1).Draw(t, "cut")]}
		for range want {
			cut.record()
		}
		if !errors.Is(cut.err(), errFrame) {
			t.Fatalf("cut short: %v, want %v", cut.err(), errFrame)
		}
	})
}

// FuzzFrame reads whatever comes over a connection: it must end, without taking more memory than a frame may have.
func FuzzFrame(f *testing.F) {
	f.Add(appendFrame(nil, frame{kind: askPublish, id: 7, body: appendRecord([]byte{0, 1, 'q', 0, 0, 0, 1}, record{token: "t"})}))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0})
	f.Add([]byte{0, 0, 0, 1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := readFrame(bufio.NewReader(bytes.NewReader(b)))
		if err != nil {
			return
		}
		if again := appendFrame(nil, got); !bytes.Equal(again, b[:len(again)]) {
			t.Fatalf("%x was read from %x", again, b)
		}
		d := &decoder{b: got.body}
		d.text()
		for n := d.u32(); n > 0 && !d.bad; n-- {
			d.record()
		}
		(&decoder{b: got.body}).positions()
	})
}
