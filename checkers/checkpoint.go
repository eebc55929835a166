package checkers

import (
	"slices"

	"waybill/checkers/msgset"
	"waybill/harness/history"
)

// judgeDue judges the checkpoints that ended before now.
func (a *audit) judgeDue(now int64) {
	for len(a.due) > 0 && a.due[0].at < now {
		d := a.due[0]
		a.due = a.due[1:]
		a.judge(d.lane, d.cp)
	}
}

// judge looks at a lane as it stands at a checkpoint.
func (a *audit) judge(l *lane, cp *checkpoint) {
	l.gather(cp)
	if ep := a.episode(uint64(cp.ref)); len(ep.lanes) > 0 {
		x := ep.of(l)
		x.kept.Union(x.retried.And(l.visible))
	}
	a.suspect(l, cp)
	for _, c := range checks {
		for _, f := range c.at(l, cp) {
			l.claim(f, cp.ref)
		}
	}
	if cp.settled() {
		l.txns.settle()
	}
	cp.counts = l.count(cp)
	a.episode(uint64(cp.ref)).ends[l.index] = cp
	l.scans = slices.DeleteFunc(l.scans, func(s *scan) bool { return int(s.ref) <= cp.ref }) // the next one's may have begun at this very tick
	l.touched = false
}

// gather establishes what was read at the checkpoint.
func (l *lane) gather(cp *checkpoint) {
	var complete []*scan
	last := map[string]*scan{}
	var replicas []string
	visible := &msgset.Set{}
	for _, s := range l.scans {
		l.stored.Union(&s.seen)
		l.storedTwice.Union(&s.twice)
		if int(s.ref) != cp.ref || !s.complete {
			continue
		}
		complete = append(complete, s)
		if last[s.replica] == nil {
			replicas = append(replicas, s.replica)
		}
		last[s.replica] = s
	}
	for _, r := range replicas {
		cp.scans = append(cp.scans, last[r])
		visible.Union(&last[r].seen)
	}
	if n := len(complete); n > 0 {
		l.visible = visible
		cp.agree = n > 1 && complete[n-1].equal(complete[n-2])
		for _, s := range cp.scans[1:] {
			cp.agree = cp.agree && s.equal(cp.scans[0])
		}
	}
	if l.read.complete && int(l.read.ref) == cp.ref && l.reads[l.read.ref] == history.OK {
		cp.read = &l.read
	}
}

// claim takes a candidate for the messages that nothing in its group has named before.
func (l *lane) claim(c candidate, ref int) {
	if c.number() == 0 || l.permitted(c) {
		return
	}
	c.episode = ref
	if c.tokens == nil {
		named := l.reported[c.group]
		if named == nil {
			named = &msgset.Set{}
			l.reported[c.group] = named
		}
		c.msgs = c.msgs.AndNot(named)
		if c.msgs.Len() == 0 {
			return
		}
		named.Union(c.msgs)
	}
	l.merge(&c)
}
