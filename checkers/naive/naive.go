// Package naive is the audit once more, as simply as it can be written: every event is kept, in lists by message, and every anomaly is
// looked for message by message, as its definition reads. It is the oracle that the audit of package checkers is compared with on every
// history that a test makes, and what that audit's speed and memory are measured against.
//
// It shares nothing with that audit but the vocabulary of histories, modes and ledgers. It has no sets, no fingerprints, no second
// reading and no state that is folded: what held at a checkpoint is asked of the events before it. Memory is some hundred bytes an
// event, so it is for histories of thousands of messages and not of millions.
//
// It fills no cells: neither exposure nor taint, liveness, cut segments or the exit code are its business, and it reads no promise but to
// know which findings a mode permits. It takes every segment to be whole.
package naive

import (
	"cmp"
	"fmt"
	"slices"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// Report is what there is to say of a history.
type Report struct {
	Lanes []Lane // as in the experiment
}

// Lane is one lane's messages, counted and accused.
type Lane struct {
	Name     string
	Ledger   semantics.Ledger
	Findings []Finding // by anomaly, stage and episode
}

// Finding is one anomaly at one stage, of all messages that show it first at one checkpoint.
type Finding struct {
	Anomaly string // as package checkers names it
	Stage   semantics.Stage
	Episode int
	Msgs    []history.Msg // by life, then sequence
	Count   int64         // of Msgs, or of foreign tokens, which are no messages
}

// Audit reads src once and keeps all of it. An error is one of reading, or a lane that the experiment does not have.
func Audit(src history.Source, x experiment.Experiment) (Report, error) {
	record, err := read(src, x)
	if err != nil {
		return Report{}, err
	}
	var out Report
	for _, l := range record.lanes {
		out.Lanes = append(out.Lanes, l.audit())
	}
	return out, nil
}

// audit looks at a lane as it stood at each of its checkpoints, and then at what only the whole history tells.
func (l *lane) audit() Lane {
	l.divide()
	for i := range l.checkpoints {
		cp := &l.checkpoints[i]
		l.gather(i)
		l.presence(cp)
		l.absence(cp)
		l.duplicates(cp)
		l.orders(cp)
		l.linear(cp)
		l.consumers(i)
	}
	l.unaccepted()
	l.positions()
	l.redelivered()
	l.early()
	l.nonlinearMended()
	l.overtaken()
	return Lane{Name: l.name, Ledger: l.ledger(), Findings: l.report()}
}

// A name is what a finding is told apart by.
type name struct {
	anomaly string
	stage   semantics.Stage
	episode int
}

// accuse names a message, unless an anomaly of the same group named it before: one cause is told once.
func (l *lane) accuse(group string, n name, m history.Msg) {
	if l.named[group] == nil {
		l.named[group] = map[history.Msg]bool{}
	}
	if l.named[group][m] {
		return
	}
	l.named[group][m] = true
	l.found[n] = append(l.found[n], m)
}

// report puts the findings in order.
func (l *lane) report() []Finding {
	var out []Finding
	for n, msgs := range l.found {
		if len(msgs) == 0 {
			continue
		}
		slices.SortFunc(msgs, byName)
		out = append(out, Finding{n.anomaly, n.stage, n.episode, msgs, int64(len(msgs))})
	}
	for n, count := range l.strangers {
		out = append(out, Finding{Anomaly: n.anomaly, Stage: n.stage, Episode: n.episode, Count: count})
	}
	slices.SortFunc(out, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Anomaly, b.Anomaly), cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.Episode, b.Episode))
	})
	return out
}

func byName(a, b history.Msg) int {
	return cmp.Or(cmp.Compare(a.Life, b.Life), cmp.Compare(a.Seq, b.Seq))
}

// minds reports whether some promise of the mode forbids a thing. A mode that promises nothing has everything told.
func (l *lane) minds(forbids func(semantics.Promise) bool) bool {
	bare := true
	for _, p := range l.promises {
		says := p.Guarantee != semantics.None || p.Ordered || p.Atomic || p.Linearizable
		if says && forbids(p) {
			return true
		}
		bare = bare && !says
	}
	return bare
}

func (f Finding) String() string {
	return fmt.Sprintf("%s (%s, episode %d): %d, %v", f.Anomaly, f.Stage, f.Episode, f.Count, f.Msgs)
}
