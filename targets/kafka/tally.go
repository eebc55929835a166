package kafka

// copyID tells one attempt from another: a hash of its token and number, and where to look for it first. Two attempts with the same hash
// would be seen when the second is expected, and it is not sent then.
type copyID struct {
	hash uint64
	home uint32
}

// tally counts writes by attempt. Every message is looked up three times while as many as mostBuffered are there, so those of a
// sequence lie side by side, each at home: in a map, which spreads them over all its memory, they took a tenth of what sending a message takes.
// Who does not find his home free goes to a map nevertheless.
type tally struct {
	homes []count // a power of two
	away  map[copyID]*count
}

type count struct {
	hash   uint64
	writes int32
	taken  bool
}

func newTally() tally {
	return tally{homes: make([]count, mostBuffered), away: map[copyID]*count{}}
}

func (t *tally) home(id copyID) *count { return &t.homes[id.home&uint32(len(t.homes)-1)] }

// find is the count of an attempt; nil if there is none. It is good until the next call of add or remove.
func (t *tally) find(id copyID) *count {
	if c := t.home(id); c.taken && c.hash == id.hash {
		return c
	}
	if len(t.away) == 0 {
		return nil
	}
	return t.away[id]
}

// add begins a count at 0, of an attempt that has none.
func (t *tally) add(id copyID) {
	c := t.home(id)
	if c.taken {
		c = new(count)
		t.away[id] = c
	}
	*c = count{hash: id.hash, taken: true}
}

func (t *tally) remove(id copyID) {
	if c := t.home(id); c.taken && c.hash == id.hash {
		c.taken = false
		return
	}
	delete(t.away, id)
}
