package checkers

import (
	"context"
	"fmt"
	"math"
	"slices"

	"waybill/harness/history"
	"waybill/harness/semantics"
)

// Live is the audit of a run that goes on. It folds events as they come, with the code and the memory of Audit, and asks of that state
// whether there may be anything new: at each checkpoint that a lane has had, and in between for what can be told from presence alone. If so,
// it audits what was recorded until then, from its beginning, second reading and all, and tells what that finds. So nothing is
// announced on suspicion, and a run without findings is read once.
//
// It judges nothing: the verdict is that of Audit, of the whole run. What Live tells is a part of what that will say, with two
// reservations. A message told to be lost may yet come to light: then it was unavailable, which breaks as much; or its confirmation may yet
// name a position, which says more exactly how it was lost. And Audit holds a segment against the run that was damaged after it was read here.
//
// It is not safe for concurrent use.
type Live struct {
	in     Input
	before func(until int64) history.Source
	fold   *audit

	due    bool                // a checkpoint was judged that may show something new
	missed bool                // the state may be wrong
	found  []int               // how much it had found of each lane at its last checkpoint
	failed []int               // what failed in each lane: a service that did not come back, a checkpoint
	seen   map[announced]int64 // what it knew of presence when that was looked at last
	told   map[announced]int64
}

// announced is what a finding is told once for, and again when there are more messages to it. The stage is left out: what was first seen in a
// delivery is named after the store once that was scanned.
type announced struct {
	lane, anomaly string
	episode       int
}

// Certain is a finding that the audit of the whole run will have as well, of at least as many messages.
type Certain struct {
	semantics.Finding
	Fault string // of its episode
	Cell  string // the promise that it breaks there, such as "exactly once stored"; "" when it breaks none
}

// NewLive begins the audit of a run. in.Source is not used: before opens what was recorded before an instant, in ticks.
func NewLive(in Input, before func(until int64) history.Source) *Live {
	in.Segments = nil // nothing is known of how they will end
	n := len(in.Experiment.Lanes)
	return &Live{in: in, before: before, fold: newAudit(in), found: make([]int, n), failed: make([]int, n), seen: map[announced]int64{}, told: map[announced]int64{}}
}

// See takes the next event, in order of time. An error means that history and experiment are not of the same run.
func (v *Live) See(e *history.Event) error {
	due := v.fold.due
	if err := v.fold.see(e); err != nil {
		return err
	}
	if (e.Kind == history.CheckpointEnd || e.Kind == history.ServiceHealed) && e.Status != history.OK && int(e.Lane) < len(v.failed) {
		v.failed[e.Lane]++
	}
	v.judged(due)
	return nil
}

// judged looks at those of the checkpoints due whose lanes have been judged since: is there anything that is new, or that only a second
// reading answers?
func (v *Live) judged(due []due) {
	for i := range len(due) - len(v.fold.due) {
		l := due[i].lane
		found := v.failed[l.index]
		for _, c := range l.found {
			found += int(c.number())
		}
		v.due = v.due || v.missed || found != v.found[l.index] || l.batches(1) != nil
		v.found[l.index] = found
	}
}

// Missed says that an event came too late to be seen in its place. What was folded may be wrong since, so at every checkpoint
// from now on the whole is audited.
func (v *Live) Missed() { v.missed = true }

// atOnce are the checks that need no checkpoint: what they find stays so, whatever comes.
var atOnce = []check{corrupt{}, phantom{}, duplicateDelivery{}, reordered{}}

// atOnceNames are the anomalies of those.
var atOnceNames = []string{"corrupt", "phantom", "duplicate delivery", "reordered"}

// grown looks for what can be told at once, and says whether there is anything new: a first message, or twice as many as there were when
// it said so last. In between, the next checkpoint is soon enough.
func (v *Live) grown() bool {
	now := map[announced]int64{}
	for _, l := range v.fold.lanes {
		for _, check := range atOnce {
			for _, c := range check.at(l, &checkpoint{status: history.Failed}) {
				if c.number() > 0 && !l.permitted(c) {
					now[announced{lane: l.cfg.Name, anomaly: c.anomaly}] += c.number()
				}
			}
		}
	}
	grown := false
	for k, n := range now {
		if n > v.seen[k] && n >= 2*v.seen[k] {
			v.seen[k], grown = n, true
		}
	}
	return grown
}

// Certain tells what is new since the last call. until is the instant up to which events were seen. It costs nothing when there
// cannot be anything new.
func (v *Live) Certain(ctx context.Context, until int64) ([]Certain, error) {
	due := v.fold.due
	v.fold.judgeDue(until)
	v.judged(due)
	if grown := v.grown(); !grown && !v.due {
		return nil, nil
	}
	v.due = false
	in := v.in
	in.Source = v.before(until)
	a := newAudit(in)
	if err := each(ctx, in.Source, a.see); err != nil {
		return nil, fmt.Errorf("checkers: live: %w", err)
	}
	judged := a.halt()
	if err := a.examine(ctx, examinedPages); err != nil {
		return nil, fmt.Errorf("checkers: live: %w", err)
	}
	for _, l := range a.lanes {
		l.recall()
	}
	return v.fresh(a, judged), nil
}

// halt judges what there is in the middle of a run. It returns, by lane, the episodes whose checkpoint is behind it.
func (a *audit) halt() []map[int]bool {
	a.judgeDue(math.MaxInt64)
	judged := make([]map[int]bool, len(a.lanes))
	now := max(a.now.number, 1)
	for i, l := range a.lanes {
		judged[i] = map[int]bool{}
		for _, ep := range a.episodes {
			if ep.ends[i] != nil {
				judged[i][ep.number] = true
			}
		}
		// Between the end of a checkpoint and the next episode what happens belongs to the latter.
		if l.touched && !judged[i][now] {
			a.judge(l, &checkpoint{ref: now, status: history.Failed, why: "the run goes on"})
		}
	}
	return judged
}

// fresh picks what is certain and was not told.
func (v *Live) fresh(a *audit, judged []map[int]bool) []Certain {
	verdict := a.verdict()
	index := map[string]int{}
	for i, l := range verdict.Lanes {
		index[l.Name] = i
	}
	faults := map[int]string{}
	for _, ep := range verdict.Episodes {
		faults[ep.Number] = ep.Fault
	}
	var out []Certain
	sums := map[announced]int64{}
	for _, f := range verdict.Findings {
		i := index[f.Lane]
		told := v.told[announced{f.Lane, f.Anomaly, f.Episode}]
		switch {
		case f.Anomaly == unavailable && a.lanes[i].back[f.Episode] > 0:
			continue // told as a loss before, and a loss again if it goes away
		case judged[i][f.Episode]:
		case f.Episode == max(a.now.number, 1) && slices.Contains(atOnceNames, f.Anomaly) && (told == 0 || f.Count >= 2*told):
		default:
			continue
		}
		key := announced{f.Lane, f.Anomaly, f.Episode}
		sums[key] += f.Count
		if sums[key] <= told {
			continue
		}
		v.told[key] = sums[key]
		c := Certain{Finding: f, Fault: faults[f.Episode]}
		if f.Breaks {
			c.Cell = breaks(verdict.Lanes[i], f)
		}
		out = append(out, c)
	}
	return out
}

// breaks names the promise whose cell a finding broke; what breaks no promise breaks liveness.
func breaks(l semantics.Lane, f semantics.Finding) string {
	for _, c := range l.Cells {
		if c.Episode != f.Episode || c.Result != semantics.Broken || !slices.Contains(c.Findings, f.ID) {
			continue
		}
		words := c.Stage.String()
		if c.Guarantee != semantics.None {
			words = c.Guarantee.String() + " " + words
		}
		if c.Ordered {
			words += ", in order"
		}
		if c.Atomic {
			words += ", atomic"
		}
		return words
	}
	return "liveness"
}
