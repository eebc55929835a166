package kafka

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// produceFrame is a produce request as the library writes it.
func produceFrame(version int16, records []byte) []byte {
	q := kmsg.NewPtrProduceRequest()
	q.Version = version
	t := kmsg.NewProduceRequestTopic()
	t.Topic = "q"
	p := kmsg.NewProduceRequestTopicPartition()
	p.Records = records
	t.Partitions = append(t.Partitions, p)
	q.Topics = append(q.Topics, t)
	return kmsg.NewRequestFormatter(kmsg.FormatterClientID("someone")).AppendRequest(nil, q, 3)
}

func look(t *testing.T, w *witness, b []byte) error {
	t.Helper()
	f, ok := parseFrame(b)
	if !ok {
		t.Fatal("not a request")
	}
	return w.writing(f)
}

func TestEachWriteOfAnAttemptIsCounted(t *testing.T) {
	for _, version := range []int16{3, 8, 9, 12, 13} {
		w := newWitness()
		id := func(n int) copyID { return w.id(message(n).Token, message(n).Attempt) }
		for n := range 3 {
			if !w.expect(id(n)) {
				t.Fatal("a new attempt is known already")
			}
		}
		if w.expect(id(0)) {
			t.Error("the same attempt is expected twice")
		}
		for range 2 {
			if err := look(t, w, produceFrame(version, batchBytes(0, numbered(2), nil))); err != nil {
				t.Fatal(err)
			}
		}
		if a, b, c := w.dismiss(id(0)), w.dismiss(id(1)), w.dismiss(id(2)); a != 2 || b != 2 || c != 0 {
			t.Errorf("version %d: written %d, %d, %d times, want 2, 2, 0", version, a, b, c)
		}
	}
}

func TestWhatWasCalledUnwrittenIsNeverWritten(t *testing.T) {
	w := newWitness()
	gone, stays := w.id(message(0).Token, 1), w.id(message(1).Token, 2)
	w.expect(gone)
	w.expect(stays)
	if n := w.dismiss(gone); n != 0 {
		t.Fatalf("written %d times", n)
	}
	for range 3 { // longer than half of the ban
		if err := look(t, w, produceFrame(9, batchBytes(0, numbered(2), nil))); err == nil || !strings.Contains(err.Error(), message(0).Token) {
			t.Fatalf("let through: %v", err)
		}
		w.turned = w.turned.Add(-banFor / 4)
		w.expect(w.id("other", 1))
		w.dismiss(w.id("other", 1))
	}
	if n := w.dismiss(stays); n != 0 {
		t.Errorf("a request that was refused counts as written %d times", n)
	}
	w.turned = time.Now().Add(-2 * banFor)
	w.dismiss(w.id("a", 1))
	w.turned = time.Now().Add(-2 * banFor)
	w.dismiss(w.id("b", 1))
	if len(w.old)+len(w.next) > 2 {
		t.Errorf("%d bans are kept for ever", len(w.old)+len(w.next))
	}
}

func TestWhatTheWitnessCannotReadIsNotWritten(t *testing.T) {
	spoilt := batchBytes(0, numbered(1), nil)
	spoilt[len(spoilt)-1] ^= 1
	if err := look(t, newWitness(), produceFrame(9, spoilt)); err == nil {
		t.Error("a batch that cannot be read was let through")
	}
}

func TestOtherRequestsPass(t *testing.T) {
	b := kmsg.NewRequestFormatter().AppendRequest(nil, kmsg.NewPtrMetadataRequest(), 1)
	if err := look(t, newWitness(), b); err != nil {
		t.Error(err)
	}
}

func TestOnlyWholeRequestsAreRead(t *testing.T) {
	whole := produceFrame(9, batchBytes(0, numbered(1), nil))
	for n := range whole {
		if _, ok := parseFrame(whole[:n]); ok {
			t.Errorf("%d bytes of %d pass for a request", n, len(whole))
		}
	}
	if _, ok := parseFrame(append(whole, 0)); ok {
		t.Error("a request and more passes for one")
	}
}

func FuzzFrame(f *testing.F) {
	f.Add(produceFrame(9, batchBytes(0, numbered(1), nil))[4:])
	f.Add(produceFrame(3, nil)[4:])
	f.Fuzz(func(t *testing.T, b []byte) {
		b = append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
		if r, ok := parseFrame(b); ok {
			newWitness().writing(r) //nolint:errcheck // only that it returns
		}
	})
}
