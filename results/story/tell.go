package story

import (
	"fmt"
	"slices"

	"waybill/harness/history"
	"waybill/harness/semantics"
)

// story puts a tale together.
func (p *pass) story(t *tale) Story {
	v := p.in.Verdict
	s := Story{Token: t.ask.Foreign, Known: len(t.lines) > 0, Lines: []Line{}}
	if s.Token == "" {
		s.Token = t.ask.Msg.Prefix(v.Run)
	}
	if t.lane >= 0 && t.lane < len(p.in.Experiment.Lanes) {
		s.Lane, s.Mode = p.in.Experiment.Lanes[t.lane].Name, p.in.Experiment.Lanes[t.lane].Mode.Name
	}
	findings := p.findings(t)
	t.elders(p, findings)
	p.jumped(t)
	var episodes []int
	for _, f := range findings {
		episodes = append(episodes, f.Episode)
	}
	for _, l := range t.lines {
		if l.txn != nil && l.Act == Transaction {
			l.What = l.txn.words(t.ask.Msg)
		}
	}
	t.fold()
	p.surround(t, episodes)
	sorted(t.lines)
	s.Summary = t.summary()
	for _, f := range findings {
		s.Findings = append(s.Findings, p.told(t, f))
	}
	s.Fine = s.Known && len(findings) == 0
	for _, l := range t.lines {
		at := l.At + p.origin
		if ep := p.around.during(at); ep != nil {
			if x := p.around.strike(ep, at); x != nil {
				since := at - x.at
				l.Strike = &since
			}
		}
		s.Lines = append(s.Lines, l.Line)
	}
	var left []string
	for _, x := range []struct {
		act  Act
		what string
	}{{Frame, "touched frame"}, {Connection, "lost connection"}} {
		if n := t.beside[x.act] - maxBeside; n > 0 {
			left = append(left, plural(n, "more "+x.what))
		}
	}
	if p.around.dropped > 0 {
		left = append(left, plural(p.around.dropped, "assignment or end of a life late in the run"))
	}
	if s.LeftOut = list(left); s.LeftOut != "" {
		s.LeftOut = "left out: " + s.LeftOut
	}
	return s
}

// findings are those that name a tale's message.
func (p *pass) findings(t *tale) []semantics.Finding {
	var out []semantics.Finding
	for _, f := range p.in.Verdict.Findings {
		if slices.Contains(t.ask.Findings, f.ID) {
			out = append(out, f)
		}
	}
	return out
}

// told is a finding, with its proof among the lines.
func (p *pass) told(t *tale, f semantics.Finding) Told {
	d := define(f.Anomaly)
	out := Told{ID: f.ID, Anomaly: f.Anomaly, Breaks: f.Breaks, Episode: f.Episode, Detail: printable(f.Detail), Definition: d.words, Promises: Promises(p.in, f)}
	for _, ep := range p.in.Verdict.Episodes {
		if ep.Number == f.Episode {
			out.Fault = printable(ep.Fault)
		}
	}
	var proof []*line
	for _, l := range t.lines {
		if d.proves(t, l, f) {
			l.Proof = append(l.Proof, f.ID)
			proof = append(proof, l)
		}
	}
	out.Because = because(t, f, proof)
	return out
}

// Promises are those that a finding breaks; where it breaks none, those of the cells that count it.
func Promises(in Input, f semantics.Finding) []semantics.Promise {
	var broken, counted []semantics.Promise
	for i, l := range in.Verdict.Lanes {
		if l.Name != f.Lane || i >= len(in.Experiment.Lanes) {
			continue
		}
		mode := in.Experiment.Lanes[i].Mode
		for _, c := range l.Cells {
			if !slices.Contains(c.Findings, f.ID) {
				continue
			}
			p := mode.Promise(c.Stage)
			into := &counted
			if c.Result == semantics.Broken {
				into = &broken
			}
			if !slices.ContainsFunc(*into, func(q semantics.Promise) bool { return q.Stage == p.Stage }) {
				*into = append(*into, p)
			}
		}
		if len(broken)+len(counted) == 0 { // liveness, and what concerns the whole lane
			counted = mode.Promises
		}
	}
	if len(broken) > 0 {
		return broken
	}
	return counted
}

// summary says in a sentence what became of a message.
func (t *tale) summary() string {
	c := t.counts
	if len(t.lines) == 0 {
		return "no event of the run concerns it"
	}
	sent := "never sent by any producer of this run"
	if c.attempts > 0 || c.acked+c.unknown+c.rejected > 0 {
		sent = "sent in " + plural(max(1, c.attempts), "attempt")
		switch {
		case c.acked > 0:
			sent += ", acknowledged"
		case c.unknown > 0 || c.rejected < c.attempts:
			sent += ", outcome unknown"
		default:
			sent += ", certainly rejected"
		}
	}
	parts := []string{sent}
	switch {
	case c.stored == 0:
		parts = append(parts, "absent from the last scan")
	case c.stored > 0:
		parts = append(parts, "stored "+times(c.stored))
	}
	switch {
	case c.deliveries > 0:
		lives := map[history.Life]bool{}
		for _, l := range t.lines {
			if l.Act == Delivered {
				lives[l.life] = true
			}
		}
		d := "delivered " + times(c.deliveries)
		if len(lives) > 1 {
			d += fmt.Sprintf(" to %d lives", len(lives))
		}
		parts = append(parts, d)
	default:
		parts = append(parts, "never delivered")
	}
	if c.called > 0 {
		parts = append(parts, fmt.Sprintf("acknowledged by consumers %s (confirmed %s)", times(c.called), times(c.confirmed)))
	}
	switch {
	case c.effects > 0:
		parts = append(parts, "its effect there "+times(c.effects))
	case c.effects == 0:
		parts = append(parts, "without effect")
	}
	return list(parts)
}
