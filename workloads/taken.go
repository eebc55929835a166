package workloads

import (
	"waybill/harness/history"
	"waybill/targets"
)

// taken are deliveries of one lane and the messages they are of. Most come one right after another in every respect: such a run is found
// once, and then recorded as one whenever something happened to all of it.
type taken struct {
	ds   []targets.Delivery
	msgs []history.Msg
	ends []int // of each delivery, where the run ends that it is in
}

// find finds the runs.
func (t *taken) find() {
	n := len(t.ds)
	if cap(t.ends) < n {
		t.ends = make([]int, n)
	}
	t.ends = t.ends[:n]
	end := n
	for i := n - 1; i >= 0; i-- {
		t.ends[i] = end
		if i > 0 && !t.follows(i) {
			end = i
		}
	}
}

// follows says whether delivery i comes right after the one before.
func (t *taken) follows(i int) bool {
	m, d, before := t.msgs[i], &t.ds[i], &t.ds[i-1]
	return m == history.Msg{Life: t.msgs[i-1].Life, Seq: after(t.msgs[i-1].Seq)} && d.Tag == after(before.Tag) && comesAfter(&d.Pos, &before.Pos)
}

// after is the number that a run expects next.
func after[T int64 | uint64](n T) T {
	if n == 0 {
		return 0 // there are none
	}
	return n + 1
}

func comesAfter(p, before *history.Position) bool {
	return p.Offset == after(before.Offset) && p.Incarnation == before.Incarnation && p.Partition == before.Partition && p.Epoch == before.Epoch
}

// record records e of each delivery from one on up to another, with their tags or without.
func (t *taken) record(rec *history.Recorder, e *history.Event, from, to int, tagged bool) error {
	for from < to {
		end := min(t.ends[from], to)
		d := &t.ds[from]
		e.Msg, e.Pos = t.msgs[from], d.Pos
		if tagged {
			e.Tag = d.Tag
		}
		if err := rec.RecordRun(e, end-from); err != nil {
			return err
		}
		from = end
	}
	return nil
}

// empty makes t a list of none, to be filled with add.
func (t *taken) empty() { t.ds, t.msgs = t.ds[:0], t.msgs[:0] }

func (t *taken) add(d *targets.Delivery, m history.Msg) {
	t.ds, t.msgs = append(t.ds, *d), append(t.msgs, m)
}
