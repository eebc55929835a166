package story

import (
	"cmp"
	"fmt"
	"slices"
)

// sentences says the causes of a finding, those of one phase and one node together.
func sentences(g Grouped) []string {
	if len(g.Causes) == 0 {
		return nil
	}
	type together struct {
		verb, by string
		phase    Phase
	}
	var order []together
	parts := map[together][]Cause{}
	var total int64
	for _, c := range g.Causes {
		k := together{c.Verb, c.By, c.Phase}
		if parts[k] == nil {
			order = append(order, k)
		}
		parts[k] = append(parts[k], c)
		total += c.Count
	}
	slices.SortStableFunc(order, func(a, b together) int { return cmp.Compare(sum(parts[b]), sum(parts[a])) })
	const most = 4
	var out []string
	var rest int64
	for i, k := range order {
		if i >= most {
			rest += sum(parts[k])
			continue
		}
		out = append(out, sentence(parts[k], total))
	}
	if rest > 0 {
		out = append(out, fmt.Sprintf("%s more in smaller groups.", number(rest)))
	}
	return out
}

func sum(cs []Cause) (n int64) {
	for _, c := range cs {
		n += c.Count
	}
	return n
}

// sentence says causes that share verb, node and phase.
func sentence(cs []Cause, total int64) string {
	n := sum(cs)
	c := cs[0]
	for _, x := range cs[1:] {
		c.First, c.Last, c.Struck = min(c.First, x.First), max(c.Last, x.Last), c.Struck || x.Struck
	}
	s := number(n)
	if n == total && n > 1 {
		s = "All " + s
	}
	s += " " + c.Verb
	if c.By != "" {
		s += " by " + c.By
	}
	if when := c.when(); when != "" {
		s += " " + when
	}
	const most = 3
	var where []string
	for i, x := range cs {
		if i == most {
			where = append(where, plural(len(cs)-most, "more stream"))
			break
		}
		where = append(where, x.where())
	}
	return s + ": " + list(where) + "."
}

// when is how close to the strike a cause is.
func (c Cause) when() string {
	it := "the strike"
	if c.Struck {
		it = "it was struck"
	}
	switch c.Phase {
	case Before:
		if -c.Last*8 <= -c.First { // the latest is close to the strike, as such distances go
			return fmt.Sprintf("in the %s before %s", length(-c.First), it)
		}
		return between(-c.First, -c.Last) + " before " + it
	case During:
		return between(c.First, c.Last) + " after " + it + ", before recovery"
	case After:
		return between(c.First, c.Last) + " after " + it + ", recovery begun"
	}
	return ""
}

func between(a, b int64) string {
	if length(a) == length(b) {
		return length(a)
	}
	return "between " + length(a) + " and " + length(b)
}

// where is which part of the stream a cause is.
func (c Cause) where() string {
	shape := c.Part()
	if c.From == c.To {
		return fmt.Sprintf("%s of %s: %s", shape, c.Stream, number(c.From))
	}
	return fmt.Sprintf("%s of %s: %s–%s", shape, c.Stream, number(c.From), number(c.To))
}

// Part is the shape in words, and how broken it is.
func (c Cause) Part() string {
	switch {
	case c.Count == 1:
		return map[Shape]string{Whole: "the only message", Prefix: "the first message", Middle: "one message in the middle", Tail: "the last message"}[c.Shape]
	case c.Shape == Whole && c.Runs == 1:
		return "the whole"
	case c.Runs == 1:
		return "contiguous " + string(c.Shape)
	case c.Shape == Whole:
		return fmt.Sprintf("%s over the whole", plural(c.Runs, "run"))
	}
	return fmt.Sprintf("%s in the %s", plural(c.Runs, "run"), string(c.Shape))
}
