package results

import (
	"strings"
	"testing"

	"waybill/harness/semantics"
)

// crossed is a verdict of one lane with one fault, in which an effect happened n times too often.
func crossed(fault string, r semantics.Result, twice int64) semantics.Verdict {
	cell := func(s semantics.Stage, f string) semantics.Cell {
		c := semantics.Cell{Episode: 1, Fault: f, Stage: s, Guarantee: semantics.AtLeastOnce, Result: r}
		if twice > 0 {
			c.Counts = map[string]int64{"duplicate effects": twice, "acknowledged and lost": 1}
		}
		if f == "final" {
			c.Episode = 2
		}
		return c
	}
	return semantics.Verdict{Lanes: []semantics.Lane{{Name: "log", Mode: "log", Cells: []semantics.Cell{
		cell(semantics.Delivered, fault), cell(semantics.Applied, fault), cell(semantics.Applied, "final")}}}}
}

func TestRunsAreShownTogetherWithoutAveraging(t *testing.T) {
	for _, c := range []struct {
		claim string
		runs  []semantics.Verdict
		want  []string
	}{
		{"one run", []semantics.Verdict{crossed("kill-all", semantics.Kept, 3)}, []string{
			"| mode | promise | `kill-all` |", "| `log` | applied at least once | kept<br>1 acknowledged, lost<br>3 applied twice |"}},
		{"several alike", []semantics.Verdict{crossed("kill-all", semantics.Kept, 0), crossed("kill-all", semantics.Kept, 0)}, []string{
			"| `log` | applied at least once | kept ×2 |"}},
		{"several that differ: the worst first, and the range", []semantics.Verdict{crossed("kill-all", semantics.Kept, 0), crossed("kill-all", semantics.Broken, 1500)}, []string{
			"| `log` | applied at least once | **BROKEN** ×1<br>kept ×1<br>0–1 acknowledged, lost<br>0–1,500 applied twice |"}},
		{"a run without the fault is not counted in its column", []semantics.Verdict{crossed("kill-all", semantics.Kept, 2), crossed("lose-acks", semantics.Kept, 4)}, []string{
			"| mode | promise | `kill-all` | `lose-acks` |", "kept<br>1 acknowledged, lost<br>2 applied twice | kept<br>1 acknowledged, lost<br>4 applied twice |"}},
		{"a mode that the fault cannot touch has no counts", []semantics.Verdict{crossed("kill-all", semantics.NotAffected, 0)}, []string{
			"| `log` | applied at least once | n/a |"}},
		{"a name that is no Markdown stays in its place", []semantics.Verdict{crossed("kill\x1b-all", semantics.Kept, 0)}, []string{"| `kill"}},
	} {
		var b strings.Builder
		if err := WriteAcross(&b, c.runs); err != nil {
			t.Fatal(err)
		}
		for _, want := range c.want {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s:\n%s\nlacks %s", c.claim, b.String(), want)
			}
		}
		if strings.Contains(b.String(), "final") || strings.Contains(b.String(), "delivered") || strings.Contains(b.String(), "\x1b") {
			t.Errorf("%s: more than was to be shown:\n%s", c.claim, b.String())
		}
	}
}
