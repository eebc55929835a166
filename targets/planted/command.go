package planted

// A command is what the log holds: a kind, the leader's clock in milliseconds, the name of the queue, and the rest. Replicas carry the same
// commands out in the same order and decide nothing by themselves, the bugs included.
const (
	cmdAppend = iota + 1
	cmdAck
	cmdCreate
	cmdDelete
	cmdJoin
	cmdOutputs
	cmdEnd
	cmdCopy      // of a bug: another copy of a position
	cmdPassOver  // of a bug: positions that nobody gets any more
	cmdRestarted // a broker that had run before runs again
	cmdElected   // a node became the leader
)

func newCommand(kind byte, stamp int64, queue string) *encoder {
	e := &encoder{}
	e.u8(kind)
	e.u64(uint64(stamp))
	e.text(queue)
	return e
}

// positions appends a list of positions.
func (e *encoder) positions(ps []int64) {
	e.u32(uint32(len(ps)))
	for _, p := range ps {
		e.u64(uint64(p))
	}
}

func (d *decoder) positions() []int64 {
	n := int(d.u32())
	if n > (len(d.b)-d.at)/8 {
		d.bad = true
		return nil
	}
	ps := make([]int64, n)
	for i := range ps {
		ps[i] = int64(d.u64())
	}
	return ps
}

// result is what came of a command, told to whoever proposed it at the leader.
type result struct {
	refused string // why nothing was done
	stored  []storedAt
	epoch   uint32
	status  byte // of a transaction
	late    []int64
}

// storedAt is what came of one message of an append.
type storedAt struct {
	pos    int64
	dup    bool
	silent bool // not to be answered
}
