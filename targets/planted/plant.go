package planted

import (
	"fmt"
	"io"
	"math"
	"sync"

	"waybill/targets"
)

// Names of the bugs.
const (
	loseAcked      = "lose-acked"
	loseOnFailover = "lose-on-failover"
	dupRedelivery  = "duplicate-on-redelivery"
	storeTwice     = "store-twice"
	reorder        = "reorder"
	ackEarly       = "ack-early"
	uncommitted    = "deliver-uncommitted"
	tear           = "tear"
	skip           = "skip"
	redeliverAcked = "redeliver-acked"
	forgetDedup    = "forget-dedup"
	corrupt        = "corrupt"
	leak           = "leak"
	hang           = "hang"
)

// bugs in the order in which they are listed. A rate is always per message: where a bug needs a rare occasion (a retry, a redelivery, an
// aborted transaction), the broker brings it about for the messages it is to harm by something legal, such as not answering. Otherwise
// a rate of one in a million would need hours.
func bugs() []targets.Plant {
	const restarted, elected, consumers = "kill-all", "kill-leader", "kill-consumer"
	return []targets.Plant{
		{Name: loseAcked, Summary: "forgets acknowledged messages when a broker starts again", Modes: []string{modeAtLeastOnce}, Fault: restarted,
			Anomalies: []string{"vanished", "lost: vanished"}},
		{Name: loseOnFailover, Summary: "forgets acknowledged messages when another broker becomes the leader", Modes: []string{modeAtLeastOnce}, Fault: elected,
			Anomalies: []string{"vanished", "lost: vanished"}},
		{Name: ackEarly, Summary: "acknowledges before it stores, and stores when it has nothing else to do: a crash comes before", Modes: []string{modeAtLeastOnce}, Fault: elected,
			Anomalies: []string{"lost: not accepted"}},
		{Name: dupRedelivery, Summary: "stores another copy when it delivers again (the first delivery never leaves the broker)", Modes: []string{modeDedup}, Fault: consumers,
			Anomalies: []string{"duplicate in store"}},
		{Name: storeTwice, Summary: "stores a retry that it has already (the first attempt is not answered)", Modes: []string{modeDedup}, Fault: consumers,
			Anomalies: []string{"duplicate in store"}},
		{Name: forgetDedup, Summary: "forgets at a start which messages it has (they are not answered until then, so that a retry comes)", Modes: []string{modeDedup}, Fault: restarted,
			Anomalies: []string{"duplicate in store"}},
		{Name: reorder, Summary: "stores a message before an earlier one of its key", Modes: []string{modeAtLeastOnce}, Fault: consumers,
			Anomalies: []string{"reordered"}},
		{Name: redeliverAcked, Summary: "delivers again what was acknowledged, the acknowledgement confirmed", Modes: []string{modeDedup}, Fault: consumers,
			Anomalies: []string{"illegal redelivery"}},
		{Name: skip, Summary: "holds messages back and passes over them when the consumer group changes", Modes: []string{modeAtLeastOnce}, Fault: consumers,
			Anomalies: []string{"lost: in delivery"}},
		{Name: corrupt, Summary: "changes a byte of the payload", Modes: []string{modeAtLeastOnce}, Fault: consumers,
			Anomalies: []string{"corrupt"}},
		{Name: leak, Summary: "puts a copy into another queue", Modes: []string{modeAtLeastOnce, modeDedup}, Fault: consumers,
			Anomalies: []string{"phantom"}},
		{Name: uncommitted, Summary: "shows the outputs of a transaction that it aborted", Modes: []string{modeTransactions}, Fault: consumers,
			Anomalies: []string{"resurrected", "duplicate effect"}},
		{Name: tear, Summary: "leaves one output out of a committed transaction", Modes: []string{modeTransactions}, Fault: consumers,
			Anomalies: []string{"torn"}},
		{Name: hang, Summary: "stops delivering at a message, for good", Modes: []string{modeAtLeastOnce}, Fault: consumers,
			Anomalies: []string{"stuck", "unavailable"}},
	}
}

// plants decides which messages are harmed, and says so. The zero value harms nobody.
type plants struct {
	seed  uint64
	below map[string]uint64 // of 2^64, by bug

	mu  sync.Mutex
	out io.Writer // nil: nobody listens
}

func newPlants(rates map[string]float64, seed uint64, out io.Writer) (*plants, error) {
	p := &plants{seed: seed, below: map[string]uint64{}, out: out}
	for name, rate := range rates {
		if !known(name) {
			return nil, fmt.Errorf("planted: no bug %q", name)
		}
		if rate >= 1 {
			p.below[name] = math.MaxUint64
		} else {
			p.below[name] = uint64(rate * (1 << 63) * 2)
		}
	}
	return p, nil
}

func known(name string) bool {
	for _, b := range bugs() {
		if b.Name == name {
			return true
		}
	}
	return false
}

// hits reports whether a bug strikes a message: a hash of the seed, the bug and the message's own number. Messages without a number are
// never harmed.
func (p *plants) hits(bug string, m message) bool {
	below := p.below[bug]
	if below == 0 || m.life == 0 {
		return false
	}
	h := p.seed
	for i := range len(bug) {
		h = mix(h ^ uint64(bug[i]))
	}
	return mix(mix(h^uint64(m.life))^m.seq) < below
}

// mix is the finalizer of SplitMix64 (Steele, Lea, Flood 2014), which scatters every bit of its input.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// confess writes down that a message was harmed or, with the verb spared, that after all it was not. Replicas write the same, and write
// it again when they replay their logs.
func (p *plants) confess(verb, bug, token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.out != nil {
		fmt.Fprintf(p.out, "%s %s %s\n", verb, bug, token)
	}
}

// Verbs of a broker's record.
const (
	harmed = "harmed"
	spared = "spared"
)
