package rabbitmq

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestADepthIsProvenByAllNodesOnly(t *testing.T) {
	zero := queueDepth{From: threeNodes[0]}
	for _, c := range []struct {
		claim  string
		depths []queueDepth
		errs   []error
		want   queueDepth
		fails  error
	}{
		{"all say the same", []queueDepth{zero, zero, zero}, []error{nil, nil, nil}, queueDepth{From: threeNodes[0], Agreed: true}, nil},
		{"two leaders", []queueDepth{zero, {Ready: 3, From: threeNodes[1]}, zero}, []error{nil, nil, nil}, queueDepth{Ready: 3, From: threeNodes[0]}, nil},
		{"a node is down", []queueDepth{zero, {}, zero}, []error{nil, errNodeDown, nil}, zero, nil},
		{"the largest of each counts", []queueDepth{{2, 0, threeNodes[0], false}, {0, 1, threeNodes[0], false}}, []error{nil, nil}, queueDepth{2, 1, threeNodes[0], true}, nil},
		{"nobody answers", []queueDepth{{}, {}}, []error{errNodeDown, errNotFound}, queueDepth{}, errNotFound},
	} {
		got, err := mergeDepths(c.depths, c.errs)
		if d := cmp.Diff(c.want, got); d != "" || !errors.Is(err, c.fails) {
			t.Errorf("%s: %v, want %v\n%s", c.claim, err, c.fails, d)
		}
	}
}
