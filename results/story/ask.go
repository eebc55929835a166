package story

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"waybill/harness/history"
	"waybill/harness/semantics"
)

// Errors of Parse.
var (
	ErrToken    = errors.New("not a token")
	ErrRun      = errors.New("a token of another run")
	ErrManifold = errors.New("fits more than one message")
)

// Parse reads a token as the verdict prints it, wb1-RUN-LIFE-SEQUENCE, or with its checksum behind. A token of another run is one all the
// same when a finding of this verdict names it. Errors wrap ErrToken, ErrRun or ErrManifold.
func Parse(v semantics.Verdict, s string) (Ask, error) {
	const want = "want wb1-%s-LIFE-SEQUENCE with five and ten digits, as findings print it, with or without the checksum"
	whole := s
	if len(s) == history.TokenLen-len("-00000000") {
		whole += "-00000000"
	}
	run, m, _, err := history.ParseToken(whole)
	switch {
	case err != nil && begins(s, "wb1-"+v.Run+"-"):
		return Ask{}, fmt.Errorf("story: %q %w: "+want, s, ErrManifold, v.Run)
	case err != nil:
		return Ask{}, fmt.Errorf("story: %.80q is %w: "+want, s, ErrToken, v.Run)
	case run == v.Run:
		return Ask{Msg: m}, nil
	}
	for _, f := range v.Findings {
		if slices.Contains(f.Tokens, s) {
			return Ask{Foreign: s, Findings: []int{f.ID}}, nil
		}
	}
	return Ask{}, fmt.Errorf("story: %q is %w: this one is %s", s, ErrRun, v.Run)
}

// begins reports whether s is the beginning of tokens of a run, and ends before they name one message.
func begins(s, run string) bool {
	if len(s) >= history.TokenLen-len("-00000000") {
		return false
	}
	rest, longer := strings.CutPrefix(s, run)
	return longer && strings.Trim(rest, "0123456789-") == "" || s != "" && strings.HasPrefix(run, s)
}
