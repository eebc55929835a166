package kafka

import (
	"waybill/harness/history"
	"waybill/targets"
)

// fate is what became of the transaction that wrote a record.
type fate uint8

const (
	fateOpen      fate = iota // its end is not in what was read
	fateCommitted             // or written outside of one
	fateAborted
)

// stored is one record of the log.
type stored struct {
	targets.Copy
	fate        fate
	transaction string
}

// fates tell records in the order of the log, once their fate is known: a marker behind them says it, for all that its
// producer wrote since its last marker.
type fates struct {
	tell    func(stored)
	waiting []*stored
	open    map[int64][]*stored // by producer id
}

func newFates(tell func(stored)) *fates { return &fates{tell: tell, open: map[int64][]*stored{}} }

// batch takes the next batch of the log, from offset from on and before to.
func (f *fates) batch(b *batch, from, to int64, partition uint32) {
	if b.control() {
		if yes, is := b.marker(); is {
			for _, s := range f.open[b.ProducerID] {
				if s.fate = fateAborted; yes {
					s.fate = fateCommitted
				}
			}
			delete(f.open, b.ProducerID)
			f.flush(false)
		}
		return
	}
	for n, r := range b.records {
		offset := b.FirstOffset + int64(n)
		if offset < from || offset >= to {
			continue
		}
		id := identityOf(r)
		s := &stored{fate: fateCommitted, transaction: id.transaction, Copy: targets.Copy{
			Token: id.token, Attempt: id.attempt, Key: id.key, Payload: id.payload,
			Pos: history.Position{Partition: partition, Offset: offset + 1, Epoch: uint64(max(0, b.PartitionLeaderEpoch))},
		}}
		if b.transactional() {
			s.fate = fateOpen
			f.open[b.ProducerID] = append(f.open[b.ProducerID], s)
		}
		f.waiting = append(f.waiting, s)
	}
	f.flush(false)
}

// end tells the rest: what is open stays so.
func (f *fates) end() { f.flush(true) }

func (f *fates) flush(all bool) {
	n := 0
	for n < len(f.waiting) && (all || f.waiting[n].fate != fateOpen) {
		f.tell(*f.waiting[n])
		n++
	}
	f.waiting = f.waiting[n:]
}
