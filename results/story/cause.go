package story

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"waybill/harness/history"
	"waybill/harness/semantics"
)

// Grouped is all messages of one finding, by what they have in common.
type Grouped struct {
	ID        int      `json:"id"`
	Lane      string   `json:"lane"`
	Anomaly   string   `json:"anomaly"`
	Breaks    bool     `json:"breaks"`
	Episode   int      `json:"episode"`
	Fault     string   `json:"fault"`
	Count     int64    `json:"count"`
	Strikes   int      `json:"strikes"`          // in its episode
	Sentences []string `json:"sentences"`        // the causes in words, the largest first
	Causes    []Cause  `json:"causes,omitempty"` // the largest first
	LeftOut   string   `json:"leftOut,omitempty"`
}

// Cause is the messages of one finding that were treated in the same phase of its episode's fault, by the same node or client, on the
// same stretch of the stream. Times are in microseconds.
type Cause struct {
	Count   int64    `json:"count"`
	Verb    string   `json:"verb"`              // what happened to them there: "acknowledged", "applied again", ...
	Phase   Phase    `json:"phase"`             // when that was
	First   int64    `json:"first"`             // since the strike, of the earliest
	Last    int64    `json:"last"`              // of the latest
	By      string   `json:"by"`                // the node that led, or the client; "": not known
	Struck  bool     `json:"struck,omitempty"`  // that one was a victim of the fault
	Clients []string `json:"clients,omitempty"` // producers of the messages
	Stream  string   `json:"stream"`            // "partition 3", or whose messages
	From    int64    `json:"from"`              // positions or, where there are none, sequences: the lowest
	To      int64    `json:"to"`                // the highest
	Runs    int      `json:"runs"`              // unbroken runs of them
	Shape   Shape    `json:"shape"`
}

// Phase is when something happened, relative to the strikes of an episode.
type Phase string

// The phases. Between two strikes, what the first one's recovery is behind is before the second.
const (
	Before Phase = "before"
	During Phase = "during" // from the strike to the beginning of recovery
	After  Phase = "after"
	Never  Phase = "no strike"
)

// Shape is which part of a stream messages are, as far as it had come when the fault struck; during and after, as far as it came.
type Shape string

// The shapes.
const (
	Whole  Shape = "whole"
	Prefix Shape = "prefix"
	Middle Shape = "middle"
	Tail   Shape = "tail"
)

// phase relates an instant to the strikes of an episode; index is that of the strike it is told relative to.
func (p *pass) phase(episode int, at int64) (ph Phase, since int64, index int) {
	last, next := -1, -1
	for _, i := range p.around.struck[episode] {
		if p.around.strikes[i].at <= at {
			last = i
		} else if next < 0 {
			next = i
		}
	}
	switch {
	case at == 0 || last < 0 && next < 0:
		return Never, 0, -1
	case last >= 0 && (p.around.strikes[last].recover == 0 || at <= p.around.strikes[last].recover):
		return During, at - p.around.strikes[last].at, last
	case next >= 0:
		return Before, at - p.around.strikes[next].at, next
	}
	return After, at - p.around.strikes[last].at, last
}

// causeKey is what the messages of one cause share.
type causeKey struct {
	verb  string
	phase Phase
	by    string
	stream
}

type cluster struct {
	causeKey
	Cause
	at      []int64
	clients map[history.Life]bool
	strike  int
}

func (g *groups) all(p *pass) []Grouped {
	var out []Grouped
	for _, f := range g.in.Verdict.Findings {
		out = append(out, g.finding(p, f))
	}
	return out
}

func (g *groups) finding(p *pass, f semantics.Finding) Grouped {
	out := Grouped{ID: f.ID, Lane: f.Lane, Anomaly: f.Anomaly, Breaks: f.Breaks, Episode: f.Episode, Count: f.Count}
	for _, ep := range g.in.Verdict.Episodes {
		if ep.Number == f.Episode {
			out.Fault, out.Strikes = printable(ep.Fault), ep.Strikes
		}
	}
	clusters := map[causeKey]*cluster{}
	for _, m := range g.of[f.ID] {
		x := g.facts[m]
		verb, at, by := x.decisive(f.Anomaly, p)
		ph, since, strike := p.phase(f.Episode, at)
		k := causeKey{verb, ph, by, stream{lane: x.lane, partition: x.partition}}
		where := x.offset
		if where == 0 {
			k.stream, where = stream{lane: x.lane, life: m.Life}, int64(m.Seq)
		}
		c := clusters[k]
		if c == nil {
			c = &cluster{causeKey: k, Cause: Cause{Verb: verb, Phase: ph, By: by, First: since, Last: since}, clients: map[history.Life]bool{}, strike: strike}
			clusters[k] = c
		}
		c.Count++
		c.First, c.Last = min(c.First, since), max(c.Last, since)
		c.at = append(c.at, where)
		c.clients[m.Life] = true
	}
	for _, c := range clusters {
		out.Causes = append(out.Causes, g.close(p, c))
	}
	slices.SortFunc(out.Causes, func(a, b Cause) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.First, b.First), cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.By, b.By), cmp.Compare(a.Verb, b.Verb), cmp.Compare(a.Phase, b.Phase))
	})
	if n := int64(len(g.of[f.ID])); n > 0 && n < f.Count {
		out.LeftOut = number(f.Count-n) + " messages beyond the first " + number(n) + " are not grouped"
	}
	out.Sentences = sentences(out)
	return out
}

// close turns a cluster into a cause.
func (g *groups) close(p *pass, c *cluster) Cause {
	slices.Sort(c.at)
	c.at = slices.Compact(c.at)
	c.From, c.To, c.Runs = c.at[0], c.at[len(c.at)-1], 1
	for i := 1; i < len(c.at); i++ {
		if c.at[i] != c.at[i-1]+1 {
			c.Runs++
		}
	}
	whole := g.extents
	if c.strike >= 0 && c.phase == Before && c.strike < len(g.asOf) {
		whole = g.asOf[c.strike]
	}
	x := whole[c.stream]
	switch {
	case c.From <= x.from && c.To >= x.to:
		c.Shape = Whole
	case c.From <= x.from:
		c.Shape = Prefix
	case c.To >= x.to:
		c.Shape = Tail
	default:
		c.Shape = Middle
	}
	c.Stream = "partition " + number(int64(c.partition))
	if c.stream.life != 0 {
		c.Stream = "what " + p.around.lives.name(c.stream.life) + " sent"
	}
	for _, l := range slices.Sorted(maps.Keys(c.clients)) {
		c.Clients = append(c.Clients, p.around.lives.host(l))
	}
	if c.strike >= 0 && c.By != "" {
		s := p.around.strikes[c.strike]
		host, _, _ := strings.Cut(c.By, " (life ")
		c.Struck = slices.Contains(s.hosts, host) || slices.Contains(strings.FieldsFunc(s.victims, notName), host)
	}
	return c.Cause
}

func notName(r rune) bool {
	return r == ' ' || r == ',' || r == ';' || r == ':' || r == '(' || r == ')'
}

// host is where a life runs.
func (ls lives) host(id history.Life) string {
	if l := ls[id]; l != nil {
		return printable(l.host)
	}
	return ls.name(id)
}
