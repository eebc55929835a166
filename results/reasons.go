package results

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"waybill/harness/semantics"
	"waybill/results/look"
)

// reason is why cells have a result that explains itself only with words; many cells share one.
type reason struct {
	Why    string
	Places []string // "4 jetstream/stored", "4 jetstream" for all of a lane, "all of 4" for all of an episode
}

// place is where a reason applies: one cell, or the liveness of a lane.
type place struct{ lane, what string }

// reasonsFor gathers the reasons of all cells and liveness marks with one result, in order of episodes.
func reasonsFor(v semantics.Verdict, result semantics.Result) []reason {
	var rs []reason
	index := map[string]int{}
	g := newGrid(v)
	for _, c := range g.columns {
		var order []string
		where := map[string][]place{}
		note := func(why string, p place) {
			if why == "" {
				why = "no reason recorded"
			}
			if where[why] == nil {
				order = append(order, why)
			}
			where[why] = append(where[why], p)
		}
		cells := map[string]int{} // of the episode, by lane
		for _, r := range g.rows {
			cell, ok := r.cells[c.number]
			if !ok {
				continue
			}
			cells[r.lane]++
			if cell.Result == result {
				note(whyOf(v, cell), place{r.lane, r.stage.String()})
			}
		}
		for _, l := range v.Lanes {
			if live := liveOf(v, c.number, l.Name); !live.None && live.Result == result {
				note(look.Visible(live.Why), place{l.Name, "liveness"})
			}
		}
		for _, why := range order {
			i, known := index[why]
			if !known {
				i = len(rs)
				index[why] = i
				rs = append(rs, reason{Why: why})
			}
			rs[i].Places = append(rs[i].Places, gathered(c.number, where[why], cells)...)
		}
	}
	for i := range rs {
		rs[i].Places = folded(rs[i].Places)
	}
	return rs
}

// folded joins places of three or more episodes in a row that differ in nothing else: "1 to 13 unroutable/applied".
func folded(places []string) []string {
	episode := func(place string) (int, string) {
		n, rest, _ := strings.Cut(place, " ")
		e, err := strconv.Atoi(n)
		if err != nil {
			return -1, place
		}
		return e, rest
	}
	all := map[string][]int{}
	for _, p := range places {
		if e, rest := episode(p); e >= 0 {
			all[rest] = append(all[rest], e)
		}
	}
	var out []string
	for _, p := range places {
		e, rest := episode(p)
		first, last := around(all[rest], e)
		switch {
		case e < 0 || last-first < 2:
			out = append(out, p)
		case e == first:
			out = append(out, fmt.Sprintf("%d to %d %s", first, last, rest))
		}
	}
	return out
}

// around is the run of consecutive numbers in which n lies. The list is in order.
func around(list []int, n int) (first, last int) {
	first, last = n, n
	for _, k := range list {
		if k == last+1 {
			last = k
		}
	}
	for _, k := range slices.Backward(list) {
		if k == first-1 {
			first = k
		}
	}
	return first, last
}

// gathered names places of one episode as briefly as it can be done without leaving one out.
func gathered(episode int, ps []place, cells map[string]int) []string {
	hit, total, whole := map[string]int{}, 0, 0
	for _, n := range cells {
		total += n
	}
	for _, p := range ps {
		if p.what != "liveness" {
			hit[p.lane]++
			whole++
		}
	}
	if whole == total && whole == len(ps) && len(cells) > 1 {
		return []string{fmt.Sprintf("all of %d", episode)}
	}
	var said []string
	for _, p := range ps {
		s := fmt.Sprintf("%d %s/%s", episode, look.Visible(p.lane), p.what)
		if p.what != "liveness" && hit[p.lane] == cells[p.lane] && cells[p.lane] > 1 {
			s = fmt.Sprintf("%d %s", episode, look.Visible(p.lane))
		}
		if !slices.Contains(said, s) {
			said = append(said, s)
		}
	}
	return said
}

// faultless reports whether an episode has no fault that could bite: the last drain has an episode of its own.
func faultless(fault string) bool {
	return slices.Contains([]string{"", "none", "calm", "final"}, fault)
}

// troubles says, a line each, what a verdict could not rest on; what held is not among them.
func troubles(v semantics.Verdict) []string {
	var said []string
	for _, e := range v.Episodes {
		if trouble := troubleOf(e); trouble != "" {
			said = append(said, fmt.Sprintf("episode %d (%s) %s", e.Number, look.Visible(e.Fault), trouble))
		}
	}
	for _, a := range v.Assumptions {
		if !a.Held {
			said = append(said, "assumption not held: "+look.Visible(a.Name)+": "+look.Visible(a.Why))
		}
	}
	for _, c := range v.Cuts {
		said = append(said, "history cut: "+look.Visible(c))
	}
	if v.CutShort != "" {
		said = append(said, "run cut short: "+look.Visible(v.CutShort))
	}
	return said
}

// troubleOf says what went otherwise than planned in an episode; empty: nothing.
func troubleOf(e semantics.Episode) string {
	var said []string
	if !e.Bit && !faultless(e.Fault) {
		said = append(said, "bit nothing")
	}
	if !e.Healed {
		said = append(said, "did not heal")
	}
	return strings.Join(nonEmpty(strings.Join(said, " and "), look.Visible(e.Why)), ": ")
}
