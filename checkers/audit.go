package checkers

import (
	"context"
	"fmt"

	"waybill/checkers/msgset"
	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// Input is everything that a verdict depends on.
type Input struct {
	Source     history.Source // read twice at most
	Experiment experiment.Experiment
	Schedule   experiment.Schedule
	Segments   []Segment // nil: nothing is known about segments, and they are taken to be whole
}

// Segment is what the reader of a history says about one segment of it.
type Segment struct {
	Name   string
	Life   history.Life
	Cut    string // what is missing at its end and why; "" when it could be read to the end
	Sealed bool   // it was ended on purpose
}

// Audit judges a run. An error means that the history could not be read, that it contradicts the experiment, or that ctx
// ended; what is merely incomplete is no error but makes the verdict say so.
func Audit(ctx context.Context, in Input) (semantics.Verdict, error) {
	return audited(ctx, in, examinedPages)
}

// audited audits with readings that look at a number of pages each.
func audited(ctx context.Context, in Input, pages int) (semantics.Verdict, error) {
	v, _, err := auditedNamed(ctx, in, pages)
	return v, err
}

// audit is the state of the first pass.
type audit struct {
	in       Input
	lanes    []*lane
	lives    lives
	known    []*lane // by life: the lane of one that was started
	scans    map[scanKey]*scan
	episodes []*episode
	now      *episode // the episode under way, or the last one
	due      []due    // checkpoints that ended at the present tick
	starved  []string
	clock    int64 // the widest bracket seen, nanoseconds
	cutShort string
	events   int64
	judged   map[scanID]bool
	named    map[int]*msgset.Set // by finding, all of its messages
}

// due is a lane's checkpoint that ended: judged once time moves on, since the merge orders equal ticks arbitrarily.
type due struct {
	lane *lane
	cp   *checkpoint
	at   int64
}

func newAudit(in Input) *audit {
	a := &audit{in: in, lives: lives{}, scans: map[scanKey]*scan{}, judged: map[scanID]bool{}, named: map[int]*msgset.Set{}}
	for i, l := range in.Experiment.Lanes {
		a.lanes = append(a.lanes, newLane(i, l))
	}
	a.now = &episode{} // before the first one: warm-up
	a.now.reset(a.lanes)
	return a
}

// each calls see for every event of a history.
func each(ctx context.Context, src history.Source, see func(*history.Event) error) error {
	var n int
	for e, err := range src.Events() {
		if err != nil {
			return fmt.Errorf("checkers: reading the history: %w", err)
		}
		if n++; n%4096 == 0 && ctx.Err() != nil {
			return fmt.Errorf("checkers: %w", ctx.Err())
		}
		if err := see(e); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("checkers: %w", err)
	}
	return nil
}

// finish judges what no checkpoint did, because the run was cut short before it.
func (a *audit) finish() {
	a.judgeDue(1<<63 - 1)
	for _, l := range a.lanes {
		if l.touched {
			a.judge(l, &checkpoint{ref: max(a.now.number, 1), status: history.Failed, why: because("the run ended before its checkpoint", a.cutShort)})
		}
		l.trust(a)
	}
}

// trust drops what was found for want of a producer's or processor's record, where that record is known to be incomplete. Only at the end is it
// known which lives were killed, and so which segments may lack a seal.
func (l *lane) trust(a *audit) {
	_, cut := a.cuts()
	for _, c := range l.found {
		if c.processors {
			for life := range cut {
				c.msgs = c.msgs.AndNot(l.txns.uncalled[life].AndNot(&l.txns.undead))
			}
		}
		if !c.senders {
			continue
		}
		for life := range cut {
			for m := range c.msgs.Of(life) {
				c.msgs.Remove(m)
			}
		}
	}
}
