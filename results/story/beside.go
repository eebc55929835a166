package story

import (
	"fmt"
	"slices"
	"strings"

	"waybill/harness/history"
)

// maxStrikes bounds how many strikes of one episode a story tells of.
const maxStrikes = 4

// closedByItself is what clients record of a connection that their library closed on purpose.
const closedByItself = "closed"

// besides adds what a fault does to frames, and connections lost, of lives that have something under way with a tale's message.
func (p *pass) besides(e *history.Event) {
	if e.Kind != history.FaultHit && (e.Kind != history.ConnLost || e.Text == closedByItself) {
		return
	}
	life := e.Life
	if e.Kind == history.FaultHit && e.Other != 0 {
		life = e.Other
	}
	for _, t := range p.tales {
		if t.busy[life] == 0 {
			continue
		}
		l := &line{Line: Line{At: e.Time - p.origin, Act: Frame, Who: p.around.lives.name(life),
			What: fmt.Sprintf("the fault touches a frame of its connection: %s (%s, %s bytes)", printable(e.Text), printable(e.Name), number(e.Count))}, life: life}
		if e.Kind == history.ConnLost {
			l.Act, l.What = Connection, with("loses its connection to "+printable(e.Name), printable(firstLine(e.Text)))
		}
		if t.beside[l.Act]++; t.beside[l.Act] <= maxBeside {
			t.add(l)
		}
	}
}

// surround adds what stood around a message, in the episodes in which something happened to it, and in those of its findings.
func (p *pass) surround(t *tale, findings []int) {
	a := &p.around
	if len(t.lines) == 0 {
		return
	}
	wanted := map[*episode]bool{}
	first := t.lines[0].At + p.origin
	for _, l := range t.lines {
		first = min(first, l.At+p.origin)
		if l.times == 0 { // what scans and readbacks say again and again calls for no episode of its own
			wanted[a.during(l.At+p.origin)] = true
		}
	}
	for _, ep := range a.episodes {
		if slices.Contains(findings, ep.number) {
			wanted[ep] = true
		}
	}
	delete(wanted, nil)
	for _, ep := range a.episodes {
		if wanted[ep] {
			p.episode(t, ep)
		}
	}
	in := func(at int64) bool { ep := a.during(at); return ep != nil && wanted[ep] }
	for _, b := range a.context {
		broker := b.act == Life && strings.HasPrefix(a.role(b.life), "broker")
		if !in(b.at) || !t.lives[b.life] && !broker || b.act == Assignment && !t.parts[b.part] && len(t.parts) > 0 {
			continue
		}
		t.add(&line{Line: Line{At: b.at - p.origin, Act: b.act, Who: b.who, What: b.what}, life: b.life})
	}
	p.led(t, first, in)
}

func (a *around) role(id history.Life) string {
	if l := a.lives[id]; l != nil {
		return l.role
	}
	return ""
}

// episode adds the lines of one episode's fault.
func (p *pass) episode(t *tale, ep *episode) {
	who := fmt.Sprintf("episode %d, %s", ep.number, printable(ep.fault))
	say := func(at int64, what string) {
		t.add(&line{Line: Line{At: at - p.origin, Act: Fault, Who: who, What: what}})
	}
	var strikes []*strike
	for _, i := range p.around.struck[ep.number] {
		strikes = append(strikes, p.around.strikes[i])
	}
	for i, s := range strikes {
		switch {
		case len(strikes) > maxStrikes && i == maxStrikes-1:
			say(s.at, fmt.Sprintf("STRIKES %s more", times(len(strikes)-maxStrikes+1)))
		case len(strikes) > maxStrikes && i > maxStrikes-1:
		default:
			say(s.at, strings.TrimSuffix("STRIKES: "+s.victims, ": "))
		}
	}
	for _, b := range ep.said {
		if b.lane < 0 || b.lane == t.lane {
			say(b.at, b.what)
		}
	}
	if at := ep.checkpoint[t.lane]; at != 0 {
		say(at, fmt.Sprintf("checkpoint %d: quiet, drained and read", ep.number))
	}
}

// led adds who led the partitions of a message when its life began, and who came to lead them.
func (p *pass) led(t *tale, first int64, in func(int64) bool) {
	begun := map[seat]change{}
	for _, c := range p.around.changes {
		if c.lane != t.lane || c.of == "controller" || c.of == "queue" && len(t.parts) > 0 && !t.parts[c.partition] {
			continue
		}
		if c.at <= first {
			begun[c.seat] = c
			continue
		}
		if in(c.at) {
			t.add(&line{Line: Line{At: c.at - p.origin, Act: Leader, Who: c.node, What: c.words(true)}})
		}
	}
	for _, c := range p.around.changes { // in order, not as a map has it
		if b, ok := begun[c.seat]; ok && b == c {
			t.add(&line{Line: Line{At: first - p.origin, Act: Leader, Who: c.node, What: c.words(false)}})
		}
	}
}

func (c change) words(news bool) string {
	what := fmt.Sprintf("partition %d", c.partition)
	if c.of != "queue" {
		what = "the group of the lane's " + c.of + "s"
	}
	s := "leads " + what
	if news && c.before != "" && c.before != c.node {
		s = "comes to lead " + what + " after " + c.before
	}
	if c.epoch != 0 {
		s += fmt.Sprintf(", epoch %d", c.epoch)
	}
	return s
}
