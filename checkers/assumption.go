package checkers

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"waybill/harness/history"
	"waybill/harness/semantics"
)

const (
	// starvationLimit is how late a heartbeat may be before the machine counts as starved, in microseconds.
	starvationLimit = int64(time.Second / time.Microsecond)
	// clockLimit is how wide the bracket of a process's clock offset may be, in nanoseconds: stamps are rounded to a microsecond,
	// and nothing is judged on orders closer than this except within one process.
	clockLimit = int64(time.Millisecond / time.Nanosecond)
)

// starve notes a heartbeat that came too late, unless a fault was meant to stop that process.
func (a *audit) starve(e *history.Event) {
	if int64(e.Count) <= starvationLimit || a.now.victims[e.Life] {
		return
	}
	a.starved = append(a.starved, fmt.Sprintf("%s stood still for %v in episode %d", a.lives.describe(e.Life),
		time.Duration(e.Count)*time.Microsecond, a.now.number))
}

// assumptions is what every kept rests on, for all lanes alike. What concerns one lane or one episode (a heal, a readback) is
// listed too, but held against those cells alone.
func (a *audit) assumptions() (all []semantics.Assumption, global string) {
	add := func(name string, broken []string, everywhere bool) {
		as := semantics.Assumption{Name: name, Held: len(broken) == 0, Why: strings.Join(broken, "; ")}
		all = append(all, as)
		if everywhere && !as.Held && global == "" {
			global = name + ": " + as.Why
		}
	}
	byLane, _ := a.cuts()
	var cut []string
	for _, lane := range slices.Sorted(maps.Keys(byLane)) {
		cut = append(cut, byLane[lane]...)
	}
	add("recorder whole", cut, false)

	var clock []string
	if a.clock > clockLimit {
		clock = []string{fmt.Sprintf("a process knew its clock's offset only to %v", time.Duration(a.clock))}
	}
	add("clocks agree", clock, true)

	var heal []string
	for _, ep := range a.episodes {
		if why := ep.unhealed(); why != "" && ep.struck() {
			heal = append(heal, fmt.Sprintf("episode %d: %s", ep.number, why))
		}
	}
	add("every fault healed", heal, false)

	var died []string
	for _, id := range slices.Sorted(maps.Keys(a.lives)) {
		if l := a.lives[id]; l.ended && l.reason != history.Planned && l.reason != history.KilledByFault {
			died = append(died, because(a.lives.describe(id)+" ended by itself", l.text))
		}
	}
	add("no process ended but by the schedule", died, true)
	add("machine not starved", a.starved, true)

	var unread, old []string
	for _, l := range a.lanes {
		for _, ref := range slices.Sorted(maps.Keys(l.reads)) {
			if l.reads[ref] != history.OK {
				unread = append(unread, fmt.Sprintf("lane %s at checkpoint %d", l.cfg.Name, ref))
			}
		}
		for s := range l.foreign {
			if l.foreign[s].n > 0 {
				old = append(old, fmt.Sprintf("lane %s holds tokens of another run (%s)", l.cfg.Name, semantics.Stage(s)))
			}
		}
	}
	add("effects readable", unread, false)
	add("queues and effects new", old, true)
	return all, global
}

// unhealed says why an episode's fault does not count as healed, for any lane, or "".
func (ep *episode) unhealed() string {
	switch ep.verdict {
	case history.OK:
		return ""
	case history.Failed:
		return because("recovery was not verified", ep.verifyIn)
	}
	return "recovery was never verified"
}
