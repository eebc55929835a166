package kafka

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// marker is the record that ends a producer's transaction, control makes its batch.
func marker(_ int64, commit bool) []kmsg.Record {
	key := make([]byte, 4)
	if commit {
		binary.BigEndian.PutUint16(key[2:], 1)
	}
	return []kmsg.Record{{Key: key, Value: make([]byte, 6)}}
}

func control(producer int64) func(*kmsg.RecordBatch) {
	return func(b *kmsg.RecordBatch) { b.Attributes, b.ProducerID = attrControl|attrTxn, producer }
}

func written(producer int64) func(*kmsg.RecordBatch) {
	return func(b *kmsg.RecordBatch) {
		if b.ProducerID = producer; producer >= 0 {
			b.Attributes = attrTxn
		}
	}
}

// step is a batch of the log in a test: records of a producer (below 0: outside of a transaction), or the end of its transaction.
type step struct {
	producer int64
	records  int
	commit   bool // with no records: a marker
}

func logOf(t testing.TB, steps []step) (bs []*batch) {
	t.Helper()
	next := int64(0)
	for _, s := range steps {
		raw := batchBytes(next, numbered(s.records), written(s.producer))
		if s.records == 0 {
			raw = batchBytes(next, marker(s.producer, s.commit), control(s.producer))
		}
		b, _, err := parseBatch(raw)
		if err != nil {
			t.Fatal(err)
		}
		bs = append(bs, b)
		next = b.last() + 1
	}
	return bs
}

func TestMarkersDecideWhatATransactionWrote(t *testing.T) {
	for _, c := range []struct {
		claim string
		log   []step
		want  string // offsets in order, with their fate
	}{
		{"outside of transactions all is committed", []step{{-1, 2, false}, {-1, 1, false}}, "0c 1c 2c"},
		{"a commit", []step{{7, 2, false}, {7, 0, true}}, "0c 1c"},
		{"an abort", []step{{7, 2, false}, {7, 0, false}}, "0a 1a"},
		{"an end that is not there", []step{{7, 1, false}, {-1, 1, false}}, "0o 1c"},
		{"transactions in one another", []step{{7, 1, false}, {8, 1, false}, {-1, 1, false}, {8, 0, false}, {7, 1, false}, {7, 0, true}}, "0c 1a 2c 4c"},
		{"one after the other by one producer", []step{{7, 1, false}, {7, 0, false}, {7, 1, false}, {7, 0, true}, {7, 1, false}}, "0a 2c 4o"},
		{"an end of nothing", []step{{7, 0, true}, {-1, 1, false}}, "1c"},
	} {
		t.Run(c.claim, func(t *testing.T) {
			got := ""
			f := newFates(func(s stored) { got += fmt.Sprintf(" %d%c", s.Pos.Offset-1, "oca"[s.fate]) })
			for _, b := range logOf(t, c.log) {
				f.batch(b, 0, 1000, 0)
			}
			f.end()
			if diff := cmp.Diff(" "+c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOnlyOffsetsThatWereAskedForAreTold(t *testing.T) {
	var got []int64
	f := newFates(func(s stored) { got = append(got, s.Pos.Offset) })
	f.batch(logOf(t, []step{{-1, 5, false}})[0], 1, 4, 2)
	f.end()
	if diff := cmp.Diff([]int64{2, 3, 4}, got); diff != "" {
		t.Error(diff)
	}
}

// The broker's list and the log's markers are two accounts of one thing.
func TestAReaderOfCommittedMessagesAgreesWithTheMarkers(t *testing.T) {
	log := []step{{7, 2, false}, {-1, 1, false}, {7, 0, false}, {7, 1, false}, {8, 1, false}, {7, 0, true}, {8, 0, false}, {8, 1, false}, {8, 0, true}}
	aborted := []kmsg.FetchResponseTopicPartitionAbortedTransaction{{ProducerID: 7, FirstOffset: 0}, {ProducerID: 8, FirstOffset: 5}}
	r := newCommittedReader()
	var shown []int64
	for _, b := range logOf(t, log) {
		r.list(aborted) // said again with each answer
		if r.shows(b) {
			for o := b.FirstOffset; o <= b.last(); o++ {
				shown = append(shown, o)
			}
		}
	}
	if diff := cmp.Diff([]int64{2, 4, 8}, shown); diff != "" {
		t.Error(diff)
	}
}
