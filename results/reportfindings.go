package results

import (
	"fmt"
	"os"
	"path/filepath"

	"waybill/harness/semantics"
	"waybill/results/look"
	"waybill/results/story"
)

// pageFinding is a finding with what it does to the verdict, and what is told of it.
type pageFinding struct {
	semantics.Finding
	Verb       string
	Definition string
	Sentences  []string // what its messages have in common; empty: not told
	Windows    string   // a drawing of the operations around it, beside the report; empty: there is none
	Named      []pageToken
}

// pageToken is a message of a finding, and the fragment of its story; "" when it is not told.
type pageToken struct{ Token, Story string }

func newPageFinding(v semantics.Verdict, f semantics.Finding) pageFinding {
	out := pageFinding{Finding: f, Verb: findingVerb(v, f)}
	for _, token := range f.Tokens {
		out.Named = append(out.Named, pageToken{Token: token})
	}
	return out
}

// tell adds what is told of the findings.
func (p *page) tell(d Dir, told story.Telling) {
	p.Stories = told.Stories
	stories := map[string]bool{}
	for _, s := range told.Stories {
		stories[s.Token] = true
	}
	for i := range p.Findings {
		f := &p.Findings[i]
		f.Definition = story.Definition(f.Anomaly)
		for _, g := range told.Causes {
			if g.ID == f.ID {
				f.Sentences = g.Sentences
			}
		}
		if drawn := windowsOf(f.ID); exists(d.Path(drawn)) {
			f.Windows = filepath.ToSlash(drawn)
		}
		for j, t := range f.Named {
			if stories[t.Token] {
				f.Named[j].Story = "story-" + look.Visible(t.Token)
			}
		}
	}
	if len(told.Stories) > 0 {
		p.Explain = "waybill explain " + quoteArg(string(d)) + " TOKEN"
	}
}

// windowsOf is where the operations around a finding are drawn, below the run directory.
func windowsOf(finding int) string { return filepath.Join(windowsDir, fmt.Sprintf("%d.html", finding)) }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// ExplainCommand is what a person types to have a finding of a run directory explained.
func ExplainCommand(dir string, finding int) string {
	return fmt.Sprintf("waybill explain %s %d", quoteArg(dir), finding)
}

// instant is when something was, in seconds of the run.
func instant(ticks int64) string { return fmt.Sprintf("%d.%06d", ticks/1e6, ticks%1e6) }

// since is how far from the strike something was, with its sign; "" where nothing strikes.
func since(strike *int64) string {
	if strike == nil {
		return ""
	}
	return story.Signed(*strike)
}
