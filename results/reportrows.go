package results

import (
	"maps"
	"slices"

	"waybill/harness/experiment"
	"waybill/harness/semantics"
	"waybill/results/look"
)

// pagePromise is a row of the table of promises.
type pagePromise struct {
	Mode  string
	First bool // of its mode
	None  bool // the mode promises nothing
	semantics.Promise
	As string // where the same sentence was quoted before; empty: nowhere
}

func newPagePromises(exp experiment.Experiment) []pagePromise {
	var ps []pagePromise
	quoted := map[semantics.Source]string{}
	for _, l := range exp.Lanes {
		for i, p := range l.Mode.Promises {
			row := pagePromise{Mode: l.Mode.Name, First: i == 0, Promise: p, As: quoted[p.Source]}
			if row.As == "" && p.Source.Quote != "" {
				quoted[p.Source] = l.Mode.Name + ", " + p.Stage.String()
			}
			ps = append(ps, row)
		}
		if len(l.Mode.Promises) == 0 {
			ps = append(ps, pagePromise{Mode: l.Mode.Name, First: true, None: true})
		}
	}
	return ps
}

// pageEpisode joins what was scheduled with what happened.
type pageEpisode struct {
	Number               int
	Fault, Plan, Victims string
	Ran                  bool
	Strikes              int
	Strike, Heal         string
	StrikeTicks          int64 // 0: not known
	HealTicks            int64
	Trouble              string
	Liveness             []liveCell
}

func newPageSchedule(v semantics.Verdict, sched experiment.Schedule) []pageEpisode {
	var es []pageEpisode
	for _, s := range sched.Episodes {
		es = append(es, pageEpisode{Number: s.Number, Fault: s.Fault, Plan: s.Plan})
	}
	for _, e := range v.Episodes {
		i := slices.IndexFunc(es, func(p pageEpisode) bool { return p.Number == e.Number })
		if i < 0 {
			i = len(es)
			es = append(es, pageEpisode{Number: e.Number, Fault: e.Fault})
		}
		p := &es[i]
		p.Ran, p.Victims, p.Strikes = true, e.Victims, e.Strikes
		if e.Strike > 0 && e.Recover > e.Strike {
			p.StrikeTicks = e.Recover - e.Strike
			p.Strike = look.Ticks(p.StrikeTicks)
		}
		switch {
		case !e.Healed:
			p.Heal = "not healed"
		case e.Recover > 0 && e.Verified > e.Recover:
			p.HealTicks = e.Verified - e.Recover
			p.Heal = look.Ticks(p.HealTicks)
		}
		p.Trouble = troubleOf(e)
		for _, l := range v.Lanes {
			p.Liveness = append(p.Liveness, liveOf(v, e.Number, l.Name))
		}
	}
	return es
}

// pageRefused is a fault that cannot be had where the run took place.
type pageRefused struct{ Fault, Why string }

func newPageRefused(sched experiment.Schedule) []pageRefused {
	var rs []pageRefused
	for _, f := range slices.Sorted(maps.Keys(sched.Refused)) {
		rs = append(rs, pageRefused{f, sched.Refused[f]})
	}
	return rs
}
