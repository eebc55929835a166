package checkers

import (
	"maps"
	"slices"
	"strings"

	"waybill/harness/semantics"
)

// maxTokens is how many messages a finding names.
const maxTokens = 20

// verdict puts together what both readings found.
func (a *audit) verdict() semantics.Verdict {
	x := a.in.Experiment
	v := semantics.Verdict{
		Schema: semantics.VerdictSchema, Run: x.Run, Target: x.Target, Profile: x.Profile, Seed: x.Seed, CutShort: a.cutShort,
		Lanes: []semantics.Lane{}, Episodes: []semantics.Episode{}, Findings: []semantics.Finding{},
		Segments: len(a.in.Segments), Events: a.events,
	}
	var global string
	v.Assumptions, global = a.assumptions()
	byLane, _ := a.cuts()
	for _, lane := range slices.Sorted(maps.Keys(byLane)) {
		v.Cuts = append(v.Cuts, byLane[lane]...)
	}
	episodes := a.chain()
	for _, ep := range episodes {
		if ep.began() {
			v.Episodes = append(v.Episodes, a.summary(ep))
		}
	}
	for _, l := range a.lanes {
		j := &judgement{lane: l, episodes: episodes, spared: sparing(a.in.Schedule, x.Lanes[l.index].Name), global: global,
			cut: slices.Concat(byLane[-1], byLane[l.index]), cutShort: a.cutShort, missing: l.sent.Len() == 0}
		ids := map[*candidate]int{}
		for _, c := range l.found {
			if c.number() > 0 {
				ids[c] = len(v.Findings) + len(ids) + 1
			}
		}
		broke := map[*candidate]bool{}
		lane := semantics.Lane{Name: l.cfg.Name, Mode: l.cfg.Mode.Name, Ledger: l.ledger(), Cells: j.cells(ids, broke)}
		v.Lanes = append(v.Lanes, lane)
		for _, c := range l.found {
			if id := ids[c]; id > 0 {
				v.Findings = append(v.Findings, l.finding(c, id, x.Run, broke[c]))
				a.named[id] = c.msgs
			}
		}
	}
	a.stalls(&v)
	v.Result, v.ExitCode = overall(v)
	return v
}

// chain is the scheduled episodes in order, and the final one.
func (a *audit) chain() []*episode {
	var out []*episode
	begun := map[int]bool{}
	for _, s := range a.in.Schedule.Episodes {
		ep := a.episode(uint64(s.Number))
		ep.Number, ep.Fault = s.Number, s.Fault
		out = append(out, ep)
		begun[s.Number] = true
	}
	for _, ep := range a.episodes {
		if !begun[ep.number] {
			out = append(out, ep)
		}
	}
	return out
}

func (l *lane) finding(c *candidate, id int, run string, breaks bool) semantics.Finding {
	f := semantics.Finding{ID: id, Lane: l.cfg.Name, Anomaly: c.anomaly, Stage: c.stage, Episode: c.episode, Count: c.number(),
		Tokens: c.tokens, Detail: c.detail, Breaks: breaks, Jepsen: l.jepsen(c.anomaly)}
	if f.Tokens == nil {
		f.Tokens = []string{}
		for m := range c.msgs.All() {
			if len(f.Tokens) == maxTokens {
				break
			}
			f.Tokens = append(f.Tokens, m.Prefix(run))
		}
	}
	return f
}

// summary is what is said of an episode as a whole.
func (a *audit) summary(ep *episode) semantics.Episode {
	out := ep.Episode
	out.Bit = ep.bit
	out.Healed = ep.final || calm(ep.Fault) || ep.unhealed() == ""
	var why []string
	if ep.refused != "" {
		why = append(why, "refused: "+ep.refused)
	} else if ep.struck() && !ep.bit {
		why = append(why, because("did not bite", ep.biteText))
	}
	if !out.Healed && ep.struck() {
		why = append(why, ep.unhealed())
	}
	out.Liveness, out.LiveWhy = map[string]semantics.Result{}, map[string]string{}
	for _, l := range a.lanes {
		r, text := a.liveness(l, ep)
		out.Liveness[l.cfg.Name] = r
		if text != "" {
			out.LiveWhy[l.cfg.Name] = text
		}
		if h := ep.healed[l.index]; h != nil && r == semantics.Broken {
			out.Healed = false
		}
	}
	out.Why = strings.Join(why, "; ")
	return out
}

// stalls adds a finding for each episode and lane whose liveness is broken.
func (a *audit) stalls(v *semantics.Verdict) {
	for _, ep := range v.Episodes {
		for _, l := range a.lanes {
			if ep.Liveness[l.cfg.Name] != semantics.Broken {
				continue
			}
			why := ep.LiveWhy[l.cfg.Name]
			name, detail, _ := strings.Cut(why, ": ")
			stage := semantics.Applied
			if name == unavailable {
				stage = semantics.Stored
			}
			v.Findings = append(v.Findings, semantics.Finding{ID: len(v.Findings) + 1, Lane: l.cfg.Name, Anomaly: name, Stage: stage,
				Episode: ep.Number, Count: max(1, l.back[ep.Number]), Tokens: []string{}, Detail: detail, Breaks: true})
		}
	}
}

// overall is the run's result: broken before inconclusive before kept. A run of which no cell is kept has shown nothing.
func overall(v semantics.Verdict) (semantics.Result, int) {
	kept, open := false, false
	for _, l := range v.Lanes {
		for _, c := range l.Cells {
			switch c.Result {
			case semantics.Broken:
				return semantics.Broken, 1
			case semantics.Inconclusive:
				open = true
			case semantics.Kept:
				kept = true
			}
		}
	}
	for _, ep := range v.Episodes {
		for _, r := range ep.Liveness {
			if r == semantics.Broken {
				return semantics.Broken, 1
			}
			open = open || r == semantics.Inconclusive
		}
	}
	if open || !kept || v.CutShort != "" {
		return semantics.Inconclusive, 2
	}
	return semantics.Kept, 0
}
