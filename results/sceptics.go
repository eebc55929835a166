package results

import (
	"fmt"
	"slices"
	"strings"

	"waybill/harness/experiment"
	"waybill/harness/semantics"
	"waybill/results/look"
)

// answer is a doubt about a verdict and what the run recorded about it.
type answer struct{ Doubt, Says string }

// toMaintainer answers who doubts "broken": the one whose broker it is.
func toMaintainer(v semantics.Verdict, exp experiment.Experiment, m Manifest) []answer {
	var sent, unknown, attempts int64
	for _, l := range v.Lanes {
		sent += l.Ledger.Sent
		unknown += l.Ledger.Unknown
		attempts += l.Ledger.Attempts
	}
	resends := fmt.Sprintf("%s beyond a message's first were made, each with its number in a header beside the token. A second copy counts as a duplicate only inside the dedup scope that the promise names; across scopes it is re-sent and only counted.", look.Plural(attempts-sent, "attempt"))
	if exp.Load.Doubts > 0 {
		resends += fmt.Sprintf(" On purpose, %s of acknowledged messages are sent again where the store deduplicates.", look.Percent(exp.Load.Doubts))
	}
	changed := 0
	for _, s := range settings(exp.Settings) {
		if s.Differs {
			changed++
		}
	}
	return []answer{
		{"Is it the client, or a timeout?", fmt.Sprintf("An attempt is acked only when the broker's confirmation reached the producer. A timeout (%s), a cut connection, a killed producer or a client's own error is unknown, and what is unknown is never lost: it was so for %s of %s messages.", exp.Load.Confirm, look.Count(unknown), look.Count(sent))},
		{"A resend of yours?", resends},
		{"An unsupported setting?", fmt.Sprintf("%d of %d recorded settings differ from the product's defaults; they are listed below, as is the sentence on which each promise rests, with its address and version.", changed, len(exp.Settings))},
		{"A starved machine?", fmt.Sprintf("%s and %s of memory. %s", look.Plural(int64(m.Host.Cores), "core"), look.Bytes(m.Host.Memory), assumptionsHeld(v))},
	}
}

// toAuthor answers who doubts "kept": the one who has written such tests.
func toAuthor(v semantics.Verdict) []answer {
	return []answer{
		{"Was anything in flight?", leastExposure(v)},
		{"Did clients ever see the stale side?", staleSide(v)},
		{"Was dedup ever hit?", dedupHits(v)},
		{"Was the checker ever seen to catch this?", "Waybill's tests plant anomalies in recorded histories and demand that the audit names each, and finds none where none was planted. This verdict was read from the history folder alone, which stays here for another checker to read."},
		{"How much does one run show?", boundNote},
	}
}

func assumptionsHeld(v semantics.Verdict) string {
	var not []string
	for _, a := range v.Assumptions {
		if !a.Held {
			not = append(not, look.Visible(a.Name)+" ("+look.Visible(a.Why)+")")
		}
	}
	switch {
	case len(v.Assumptions) == 0:
		return "No assumption was checked."
	case len(not) == 0:
		return fmt.Sprintf("All %d assumptions held.", len(v.Assumptions))
	default:
		return fmt.Sprintf("%d of %d assumptions did not hold: %s.", len(not), len(v.Assumptions), strings.Join(not, "; "))
	}
}

// leastExposure names the kept cell that was exposed least: the weakest link is what a doubter looks for.
func leastExposure(v semantics.Verdict) string {
	kept, weakest, fewest := 0, "", int64(-1)
	for _, l := range v.Lanes {
		for _, c := range l.Cells {
			if c.Result != semantics.Kept {
				continue
			}
			kept++
			for _, e := range c.Exposure {
				if e.Need > 0 && (fewest < 0 || e.Seen < fewest) {
					fewest = e.Seen
					weakest = fmt.Sprintf("%s %s under %s: %s: %s seen, %s needed", look.Visible(l.Name), c.Stage, look.Visible(c.Fault), look.Visible(e.What), look.Count(e.Seen), look.Count(e.Need))
				}
			}
		}
	}
	switch {
	case kept == 0:
		return "No cell is kept."
	case weakest == "":
		return "No kept cell states an exposure that it needed."
	default:
		return fmt.Sprintf("A cell is kept only if what it needs was seen; open it to read what that was. The least exposed of the %d kept cells is %s.", kept, weakest)
	}
}

// staleSide quotes the exposures of the cells whose fault leaves a leader behind a partition, gathered by what was seen.
func staleSide(v semantics.Verdict) string {
	var order []string
	seen := map[string][]string{}
	for _, l := range v.Lanes {
		for _, c := range l.Cells {
			if !strings.Contains(c.Fault, "isolate") {
				continue
			}
			for _, e := range c.Exposure {
				if seen[e.What] == nil {
					order = append(order, e.What)
				}
				said := look.Visible(l.Name) + " " + look.Count(e.Seen)
				if !slices.Contains(seen[e.What], said) {
					seen[e.What] = append(seen[e.What], said)
				}
			}
		}
	}
	if len(order) == 0 {
		return "Not in this run: no fault left a broker behind a partition, or its cells state no exposure."
	}
	var said []string
	for _, what := range order {
		said = append(said, look.Visible(what)+": "+strings.Join(seen[what], ", "))
	}
	return "Under isolation a producer and a consumer stay pinned to the isolated side. Seen there: " + strings.Join(said, "; ") + "."
}

func dedupHits(v semantics.Verdict) string {
	var said []string
	for _, l := range v.Lanes {
		if l.Ledger.DedupStore+l.Ledger.DedupEffect > 0 {
			said = append(said, fmt.Sprintf("%s: the store answered %s, the effect's ledger %s", look.Visible(l.Name), look.Count(l.Ledger.DedupStore), look.Count(l.Ledger.DedupEffect)))
		}
	}
	for _, l := range v.Lanes {
		if n := resent(l); n > 0 {
			said = append(said, fmt.Sprintf("%s: %s that the producer's library sent again within its session lie in the store once", look.Visible(l.Name), look.Plural(n, "message")))
		}
	}
	if len(said) == 0 {
		return "Never, in any lane."
	}
	return strings.Join(said, "; ") + "."
}

// resent sums up what cells of a lane saw of a library that retries within its session: the broker does not say what it had already.
func resent(l semantics.Lane) (n int64) {
	for _, c := range l.Cells {
		for _, e := range c.Exposure {
			if e.What == semantics.ResentStoredOnce {
				n += e.Seen
			}
		}
	}
	return n
}

// setting is one of the target's, split into its value and the product's default.
type setting struct {
	Name, Value, Default string
	Differs              bool
}

// settings reads "2s (default 30s)". A value without a default is shown whole and called no difference.
func settings(m map[string]string) []setting {
	var ss []setting
	for name, v := range m {
		s := setting{Name: name, Value: v}
		if value, rest, ok := strings.Cut(v, " (default "); ok && strings.HasSuffix(rest, ")") {
			s.Value, s.Default = value, strings.TrimSuffix(rest, ")")
			s.Differs = s.Value != s.Default
		}
		ss = append(ss, s)
	}
	slices.SortFunc(ss, func(a, b setting) int { return strings.Compare(a.Name, b.Name) })
	return ss
}
