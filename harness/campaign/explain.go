package campaign

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"

	"waybill/harness/history"
	"waybill/harness/semantics"
	"waybill/results"
	"waybill/results/story"
)

// ErrAsked marks a question that a run directory has no answer to: a token or a finding that it does not have.
var ErrAsked = errors.New("nothing to explain")

// named yields all messages of a finding.
type named func(finding int) iter.Seq[history.Msg]

// Explained is a run directory whose findings can be explained.
type Explained struct {
	Verdict semantics.Verdict
	in      story.Input
	of      named
	naming  func(history.Msg) []int // the findings that name a message
}

// Explain opens a run directory for questions. It takes its verdict.json, or audits a run that has none. Where the verdict names only the
// first messages of a finding, it audits in any case, for the others.
func Explain(ctx context.Context, d results.Dir) (*Explained, error) {
	v, err := d.LoadVerdict()
	unjudged := errors.Is(err, fs.ErrNotExist)
	if err != nil && !unjudged {
		return nil, err
	}
	x, err := explained(ctx, d, v, unjudged)
	if err != nil {
		return nil, err
	}
	return x, nil
}

func explained(ctx context.Context, d results.Dir, v semantics.Verdict, unjudged bool) (*Explained, error) {
	x := &Explained{Verdict: v, of: func(id int) iter.Seq[history.Msg] { return tokensOf(v, id) }}
	x.naming = func(m history.Msg) []int { return naming(v, m) }
	if unjudged || !whole(v) {
		judged, all, err := JudgeNamed(ctx, d)
		if err != nil {
			return nil, err
		}
		if !unjudged && !sameFindings(v, judged) {
			return nil, fmt.Errorf("campaign: %w: verdict.json is not what this Waybill says of the run, so that findings would not be the ones that it numbers; write it again with 'waybill audit --write'", ErrAsked)
		}
		x.Verdict, x.of = judged, all.Of
		x.naming = func(m history.Msg) []int { return all.Findings(judged, m) }
	}
	e, err := d.LoadExperiment()
	if err != nil {
		return nil, err
	}
	h, err := history.Open(d.History())
	if err != nil {
		return nil, err
	}
	x.in = story.Input{Source: h, Experiment: e, Verdict: x.Verdict}
	return x, nil
}

// Causes groups all messages of every finding.
func (x *Explained) Causes(ctx context.Context) ([]story.Grouped, error) {
	t, err := story.Read(ctx, x.in, nil, x.of)
	return t.Causes, err
}

// Token tells of the message that a token names. Errors wrap ErrAsked when the run has no such message.
func (x *Explained) Token(ctx context.Context, token string) (story.Story, error) {
	ask, err := x.ask(token)
	if err != nil {
		return story.Story{}, err
	}
	t, err := story.Read(ctx, x.in, []story.Ask{ask}, nil)
	if err != nil {
		return story.Story{}, err
	}
	if s := t.Stories[0]; s.Known {
		return s, nil
	}
	return story.Story{}, fmt.Errorf("campaign: %w: no event of run %s concerns %s", ErrAsked, x.Verdict.Run, token)
}

// Finding tells of a finding: what its messages have in common, and the life of the first of them, if it names any. Errors wrap ErrAsked
// when there is no such finding.
func (x *Explained) Finding(ctx context.Context, id int) (story.Telling, error) {
	i := slices.IndexFunc(x.Verdict.Findings, func(f semantics.Finding) bool { return f.ID == id })
	if i < 0 {
		return story.Telling{}, fmt.Errorf("campaign: %w: run %s has no finding %d: %s", ErrAsked, x.Verdict.Run, id, numbered(len(x.Verdict.Findings)))
	}
	var asks []story.Ask
	if tokens := x.Verdict.Findings[i].Tokens; len(tokens) > 0 {
		ask, err := x.ask(tokens[0])
		if err != nil {
			return story.Telling{}, err
		}
		asks = append(asks, ask)
	}
	t, err := story.Read(ctx, x.in, asks, func(other int) iter.Seq[history.Msg] {
		if other != id {
			return func(func(history.Msg) bool) {}
		}
		return x.of(id)
	})
	if err == nil {
		t.Causes = t.Causes[i : i+1]
	}
	return t, err
}

// ask is the question about a token's message.
func (x *Explained) ask(token string) (story.Ask, error) {
	ask, err := story.Parse(x.Verdict, token)
	if err != nil {
		return story.Ask{}, fmt.Errorf("campaign: %w: %w", ErrAsked, err)
	}
	if ask.Foreign == "" {
		ask.Findings = x.naming(ask.Msg)
	}
	return ask, nil
}

func numbered(n int) string {
	switch n {
	case 0:
		return "it has none"
	case 1:
		return "want 1"
	}
	return fmt.Sprintf("want 1 to %d", n)
}

// The stories that a report holds: of a finding's first messages, and of all findings together. A page shall stay one that opens at once.
const (
	storiesOfFinding = 20
	storiesOfReport  = 60
)

// forReport tells what a report shows: the causes of every finding, and the first messages of each, in turns, so that none goes without.
func (x *Explained) forReport(ctx context.Context) (story.Telling, error) {
	if len(x.Verdict.Findings) == 0 {
		return story.Telling{}, nil
	}
	var asks []story.Ask
	asked := map[string]bool{}
	for n := range storiesOfFinding {
		for _, f := range x.Verdict.Findings {
			if n >= len(f.Tokens) || asked[f.Tokens[n]] || len(asks) >= storiesOfReport {
				continue
			}
			ask, err := x.ask(f.Tokens[n])
			if err != nil {
				continue // a token that no Waybill wrote stays one in the list
			}
			asked[f.Tokens[n]] = true
			asks = append(asks, ask)
		}
	}
	return story.Read(ctx, x.in, asks, x.of)
}

// tell is what a report of a verdict shows of its findings. The verdict is the one given, whatever verdict.json says.
func tell(d results.Dir, v semantics.Verdict) (story.Telling, error) {
	x, err := explained(context.Background(), d, v, false)
	if err != nil {
		return story.Telling{}, err
	}
	return x.forReport(context.Background())
}

// tokensOf is the messages that a verdict names itself.
func tokensOf(v semantics.Verdict, id int) iter.Seq[history.Msg] {
	return func(yield func(history.Msg) bool) {
		for _, f := range v.Findings {
			if f.ID != id {
				continue
			}
			for _, token := range f.Tokens {
				if a, err := story.Parse(v, token); err == nil && a.Foreign == "" && !yield(a.Msg) {
					return
				}
			}
		}
	}
}

// naming is the findings whose tokens name a message.
func naming(v semantics.Verdict, m history.Msg) []int {
	var ids []int
	for _, f := range v.Findings {
		for other := range tokensOf(v, f.ID) {
			if other == m {
				ids = append(ids, f.ID)
				break
			}
		}
	}
	return ids
}

// whole reports whether a verdict names every message of its findings.
func whole(v semantics.Verdict) bool {
	return !slices.ContainsFunc(v.Findings, func(f semantics.Finding) bool { return len(f.Tokens) > 0 && int64(len(f.Tokens)) < f.Count })
}

func sameFindings(a, b semantics.Verdict) bool {
	return slices.EqualFunc(a.Findings, b.Findings, func(x, y semantics.Finding) bool {
		return x.ID == y.ID && x.Lane == y.Lane && x.Anomaly == y.Anomaly && x.Episode == y.Episode && x.Count == y.Count
	})
}
