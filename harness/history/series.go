package history

import "runtime"

// Varying is what may differ between the events of a series.
type Varying struct {
	Msg      Msg
	Pos      Position
	Tag      uint64
	Key      uint32
	Intended int64
}

// RecordSeries records n events of one kind at one time, for a part of the cost of recording each: e with what vary sets of it, for each i
// in turn from 0. vary is given what it set last, at first what e has. Nothing of the series counts as recorded before all of it is,
// or before the error: so a series of invocations comes before the first of the acts, and one of completions after the last.
// Otherwise it is as Record.
func (r *Recorder) RecordSeries(e *Event, n int, vary func(i int, v *Varying)) error {
	if r.silent || n <= 0 {
		return nil
	}
	x := *e
	if x.Time == 0 {
		x.Time = (Clock() + roundUp[x.Kind]) / nanosPerTick
	}
	v := Varying{Msg: x.Msg, Pos: x.Pos, Tag: x.Tag, Key: x.Key, Intended: x.Intended}
	size := int64(maxNumbers + len(x.Name) + len(x.Text))
	state, short := &r.encoder.states[x.Kind&127], shortForms[x.Kind&127]
	block := int64(-1) // in which the event before was written
	for i := range n {
		vary(i, &v)
		// The event before left its fields in the prediction: only what varies can differ from it, and what is predicted to take a step.
		if block == r.block && r.pos+size <= r.room && state.gap < slowGap && short != 0 && x.BrokerTime == 0 && x.Call == state.next.Call && v.foreseen(&state.next) {
			state.gap = 0
			state.advance(r.encoder.last)
			r.window.bytes[r.pos-r.window.start] = short | 1 // no time has passed
			r.pos++
			continue
		}
		x.Msg, x.Pos, x.Tag, x.Key, x.Intended = v.Msg, v.Pos, v.Tag, v.Key, v.Intended
		if err := r.Record(&x); err != nil {
			return err
		}
		block = r.block
	}
	r.committed.Store(uint64(r.pos))
	runtime.KeepAlive(r)
	return nil
}

// RecordRun records n events of one kind at one time, for next to nothing beyond the first few: e, and those whose message, position and
// tag come right after those of the one before; a sequence, offset or tag of 0 stays 0. What counts as recorded when is as with RecordSeries.
func (r *Recorder) RecordRun(e *Event, n int) error {
	if r.silent || n <= 0 {
		return nil
	}
	x := *e
	if x.Time == 0 {
		x.Time = (Clock() + roundUp[x.Kind]) / nanosPerTick
	}
	for {
		if err := r.Record(&x); err != nil {
			return err
		}
		n--
		following := 1 + r.asPredicted(&x, n)
		if n -= following - 1; n == 0 {
			return nil
		}
		x.follow(uint64(following))
	}
}

// asPredicted records as many of n events that follow e, which was just recorded, as are predicted and the block has room for.
func (r *Recorder) asPredicted(e *Event, n int) int {
	state, short := &r.encoder.states[e.Kind&127], shortForms[e.Kind&127]
	n = min(n, int(r.room-maxNumbers-r.pos))
	wraps := e.Pos.Offset < 0 || int64(e.Msg.Seq) < 0 || int64(e.Tag) < 0 // and stays 0 then
	if n <= 0 || short == 0 || wraps || state.gap >= slowGap || state.keyStep|state.callStep|state.intendedStep != 0 {
		return 0
	}
	at := r.pos - r.window.start
	records := r.window.bytes[at : at+int64(n)]
	records[0] = short | 1 // no time has passed
	for have := 1; have < n; have *= 2 {
		copy(records[have:], records[:have])
	}
	state.gap = 0
	state.next.follow(uint64(n))
	r.pos += int64(n)
	r.committed.Store(uint64(r.pos))
	runtime.KeepAlive(r)
	return n
}

// follow makes e the n-th event after it in a run.
func (e *Event) follow(n uint64) {
	for _, of := range []*uint64{&e.Msg.Seq, &e.Tag} {
		if *of != 0 {
			*of += n
		}
	}
	if e.Pos.Offset != 0 {
		e.Pos.Offset += int64(n)
	}
}

// foreseen says whether v is what p predicts.
func (v *Varying) foreseen(p *Event) bool {
	return v.Msg == p.Msg && v.Pos == p.Pos && v.Tag == p.Tag && v.Key == p.Key && v.Intended == p.Intended
}
