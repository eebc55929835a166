package history

import "math"

// plainest is how many bytes of a block briefs wants to see of a record that it reads, so that it need not ask for each of them.
const plainest = 5

// briefs reads records as long as they are of the plainest forms, as nearly all are: nothing in them is news but time and message, in
// single bytes. For those it does what record does, but all that it needs is at hand, and it makes no event. It leaves everything else,
// errors included, to record. It returns how many there were; latest is the rank before them.
func (d *decoder) briefs(to []brief, more []counts, ranks []rank, latest rank) int {
	block, at, last := d.block, d.at, d.last
	more, ranks = more[:len(to)], ranks[:len(to)]
	n := 0
	for ; n < len(to) && at+plainest <= len(block); n++ {
		record := block[at : at+plainest]
		first, length, delta := record[0], 1, int64(0)
		var s *kindState
		var counted bool
		if first >= shortForm {
			s = &d.states[frequentKinds[first>>shortTimeBits&7]]
			delta = int64(first&shortTimeMask) - 1
			if first&shortTimeMask == shortTimeMask {
				delta += int64(record[1])
				length = 2
			}
			if !s.plain() || length == 2 && record[1] >= 0x80 {
				break
			}
			counted = s.counts()
			s.advance(s.next.Time)
		} else {
			s = &d.states[first]
			mask := record[2]
			if !s.plain() || mask&^fieldsOfMessage != 0 || (record[1]|record[3]|record[4]) >= 0x80 {
				break
			}
			delta = unzigzag(uint64(record[1]))
			e, life, moved := &s.next, int64(s.next.Msg.Life), int64(0)
			length = 3
			if mask&(1<<fieldLife) != 0 {
				life += unzigzag(uint64(record[3]))
				length = 4
			}
			if mask&(1<<fieldSeq) != 0 {
				moved = unzigzag(uint64(record[length]))
				length++
			}
			if life < 0 || life > math.MaxUint32 {
				break
			}
			counted = s.counts()
			s.advance(e.Time)
			if e.Pos.Offset != 0 && Life(life) == e.Msg.Life {
				e.Pos.Offset += moved
			}
			e.Msg = Msg{Life(life), e.Msg.Seq + uint64(moved)}
		}
		at += length
		if last != 0 {
			s.gap = delta
		}
		last += delta
		s.next.Time = last
		to[n].set(&s.next, counted)
		if counted {
			more[n].set(&s.next)
		}
		latest = max(latest, rankOf(&s.next))
		ranks[n] = latest
	}
	d.at, d.last = at, last
	return n
}

// plain says whether the next event of the kind may be told in few words: nothing is expected of its time.
func (s *kindState) plain() bool {
	return s.known && s.gap < slowGap && s.next.BrokerTime == 0 && s.next.Kind <= lastKind
}

// counts says whether the prediction changes more than a brief tells.
func (s *kindState) counts() bool {
	return s.next.Tag != 0 || s.keyStep|s.callStep|s.intendedStep != 0
}
