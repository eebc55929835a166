package history

// A kindState is what recorder and reader both keep for each kind, to tell an event by its difference to a prediction.
// doc.go states the predictions; both sides take the same steps.
type kindState struct {
	next                            Event // as predicted; Time is that of the kind's last event
	gap                             int64 // of the kind's last event to the record before it
	keyStep, callStep, intendedStep int64
	known                           bool // an event of the kind was seen in this block
}

// slowGap is the gap from which on the same gap is expected again: long gaps come from a rate, short ones from bursts.
const slowGap = 256

// expected is the gap to expect.
func (s *kindState) expected() int64 {
	if s.gap >= slowGap {
		return s.gap
	}
	return 0
}

// foresee completes the prediction with what depends on the event's own time and message.
func (s *kindState) foresee(time int64, predicted, m Msg) {
	if s.next.BrokerTime != 0 {
		s.next.BrokerTime += time - s.next.Time
	}
	if s.next.Pos.Offset != 0 && m.Life == predicted.Life {
		s.next.Pos.Offset += int64(m.Seq - predicted.Seq)
	}
}

// settle takes the event that came, and predicts the next of its kind.
func (s *kindState) settle(e *Event, time int64) {
	s.learn(int64(e.Key)-int64(s.next.Key), int64(e.Call-s.next.Call), e.Intended-s.next.Intended)
	s.next = *e
	s.advance(time)
}

// learn takes by how much the steps of an event that came were wrong.
func (s *kindState) learn(key, call, intended int64) {
	if s.known {
		s.keyStep += key
		s.callStep += call
		s.intendedStep += intended
	}
	s.known = true
}

// advance predicts the next event of the kind after one that came as predicted.
func (s *kindState) advance(time int64) {
	n := &s.next
	n.Time = time
	if n.Msg.Seq != 0 {
		n.Msg.Seq++
	}
	if n.Pos.Offset != 0 {
		n.Pos.Offset++
	}
	if n.Tag != 0 {
		n.Tag++
	}
	n.Key = uint32(int64(n.Key) + s.keyStep)
	n.Call += uint64(s.callStep)
	n.Intended += s.intendedStep
}

// A predictor is the state that records of one block are told by.
type predictor struct {
	states [128]kindState
	last   int64 // time of the previous record, 0 at the start of the block
}

// reset forgets everything, at the start of a block.
func (p *predictor) reset() {
	for i := range p.states {
		if p.states[i].known {
			p.states[i] = kindState{}
		}
	}
	p.last = 0
}

// moveTo takes the time of a record of the kind that s is for, delta after the record before.
func (p *predictor) moveTo(time, delta int64, s *kindState) {
	if p.last != 0 {
		s.gap = delta
	}
	p.last = time
}

// sameBody says whether e is what p predicts, in everything but time.
//
// Each field is compared by itself: comparing both as bytes takes fewer instructions, but the wide loads it is made of
// wait for the narrow stores that just filled e in.
func sameBody(e, p *Event) bool {
	return e.Msg == p.Msg && e.Pos == p.Pos && e.Kind == p.Kind && e.Status == p.Status && e.Reason == p.Reason && e.Origin == p.Origin &&
		e.Flags == p.Flags && e.Lane == p.Lane && e.Attempt == p.Attempt && e.Key == p.Key && e.Session == p.Session &&
		e.Txn == p.Txn && e.Intended == p.Intended && e.Call == p.Call && e.Tag == p.Tag && e.Count == p.Count &&
		e.BrokerTime == p.BrokerTime && e.From == p.From && e.To == p.To && e.Ref == p.Ref && e.Other == p.Other &&
		len(e.Name) == len(p.Name) && len(e.Text) == len(p.Text) && (len(e.Name) == 0 || e.Name == p.Name) && (len(e.Text) == 0 || e.Text == p.Text)
}
