package checkers

import (
	"cmp"
	"context"
	"slices"

	"waybill/checkers/msgset"
	"waybill/harness/history"
)

// examinedPages bounds the memory of one more reading: this many pages of messages are looked at in each.
const examinedPages = 4096

// examined is what the second reading learns of one lane: exactly, and only about messages that the first one found or suspected.
type examined struct {
	pages    map[msgset.Page]bool
	acks     map[history.Msg][]history.Position // of messages on those pages
	first    map[history.Msg]history.Position   // where the first scan found a message that was never acknowledged at a position
	asked    *msgset.Set                        // messages whose acknowledged position is wanted
	answers  map[history.Msg]history.Position
	reused   *reused
	apart    msgset.Set             // found twice by a scan that went back, and at positions apart
	copies   map[copyOf]*int64      // of messages delivered after a confirmed acknowledgement: when the copy's was confirmed
	receives map[history.Life]int64 // when a consumer's receive call began
	assigned map[place]int64        // when it was given a partition

	misplaced    map[int]*msgset.Set // by checkpoint
	inconsistent map[int]*msgset.Set
	illegal      map[int]*msgset.Set
	ambiguous    map[int]*msgset.Set // delivered again after a confirmed acknowledgement, and perhaps on their way before
	custody      *custody            // nil: no redelivery can have been early
	orders       *orders             // nil: no order of deliveries is in question
}

// copyOf is one stored copy of a message.
type copyOf struct {
	msg       history.Msg
	partition uint32
	offset    int64
}

// rescan is a scan as the second reading sees it.
type rescan struct {
	lane   *lane
	ref    int
	key    scanKey
	judged bool
	spans  spans
	found  map[history.Msg][]history.Position // of messages on suspected pages
	twice  map[history.Msg]history.Position
}

// examine reads the history again, as often as the suspected pages need, if anything needs it at all.
func (a *audit) examine(ctx context.Context, pages int) error {
	var batches [][]*examined // by reading, then lane
	readings := 0
	for _, l := range a.lanes {
		var lane []*examined
		for _, pages := range l.batches(pages) {
			lane = append(lane, l.question(pages, len(lane) == 0))
		}
		batches = append(batches, lane)
		readings = max(readings, len(lane))
	}
	for r := range readings {
		in := map[*lane]*examined{}
		for i, l := range a.lanes {
			if r < len(batches[i]) {
				in[l] = batches[i][r]
			}
		}
		if err := a.reread(ctx, in); err != nil {
			return err
		}
		for _, l := range a.lanes {
			if x := in[l]; x != nil {
				a.conclude(l, x, r == 0)
			}
		}
	}
	return nil
}

// batches is the pages to look at, in order, at most size a reading; nil when the lane has no questions.
func (l *lane) batches(size int) [][]msgset.Page {
	pages := make([]msgset.Page, 0, len(l.pages))
	for p := range l.pages {
		pages = append(pages, p)
	}
	slices.SortFunc(pages, func(a, b msgset.Page) int {
		return cmp.Or(cmp.Compare(a.Life, b.Life), cmp.Compare(a.Index, b.Index))
	})
	if len(pages) == 0 && (l.late.Len() > 0 || l.unsure.Len() > 0 || l.absent().Len() > 0 || newCustody(l) != nil || newOrders(l.assignments) != nil) {
		return [][]msgset.Page{nil}
	}
	return slices.Collect(slices.Chunk(pages, size))
}

func (l *lane) question(pages []msgset.Page, once bool) *examined {
	x := &examined{
		pages: map[msgset.Page]bool{}, acks: map[history.Msg][]history.Position{}, first: map[history.Msg]history.Position{},
		misplaced: map[int]*msgset.Set{}, inconsistent: map[int]*msgset.Set{}, illegal: map[int]*msgset.Set{}, ambiguous: map[int]*msgset.Set{},
	}
	for _, p := range pages {
		x.pages[p] = true
	}
	if once {
		x.asked = &l.parts[notAccepted]
		x.answers = map[history.Msg]history.Position{}
		x.reused = newReused(l.absent())
		x.copies = map[copyOf]*int64{}
		x.receives, x.assigned = map[history.Life]int64{}, map[place]int64{}
		x.custody, x.orders = newCustody(l), newOrders(l.assignments)
	}
	return x
}

// absent is the messages that were found missing from the store.
func (l *lane) absent() *msgset.Set {
	out := l.parts[notAccepted].Or(&l.parts[vanishedPart])
	for _, c := range l.found {
		if c.group == vanishedGroup {
			out.Union(c.msgs)
		}
	}
	return out
}

// note puts a message among those of a checkpoint.
func note(in map[int]*msgset.Set, ref int, m history.Msg) {
	if in[ref] == nil {
		in[ref] = &msgset.Set{}
	}
	in[ref].Add(m)
}
