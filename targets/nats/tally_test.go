package nats

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// A former leader stays behind for minutes after a partition. As long as enough others hold all there is, it must not keep a scan from
// ending, nor count as one of them.
func TestAScanPassesOverAReplicaThatIsBehind(t *testing.T) {
	behind := fmt.Errorf("%w: it sent messages up to sequence 1", errBehind)
	type end struct {
		replica string
		err     error
	}
	for _, c := range []struct {
		claim string
		want  int
		ends  []end // all of them are needed
		err   string
	}{
		{"two that are complete are enough", 2, []end{{"n1", nil}, {"n2", nil}}, ""},
		{"the first is behind", 2, []end{{"n1", behind}, {"n2", nil}, {"n3", nil}}, ""},
		{"the second is behind", 2, []end{{"n3", nil}, {"n1", behind}, {"n2", nil}}, ""},
		{"two are behind, and one is wanted", 1, []end{{"n1", behind}, {"n2", behind}, {"n3", nil}}, ""},
		{"two are behind, and two are wanted", 2, []end{{"n3", behind}, {"n1", nil}, {"n2", behind}},
			"nats: scan of q on n3: behind: it sent messages up to sequence 1\nnats: scan of q on n2: behind: it sent messages up to sequence 1\n" +
				"nats: scan of q: 1 of the replicas met (n1, n2, n3) complete, want 2"},
		{"four are wanted of three", 4, []end{{"n1", nil}, {"n2", nil}, {"n3", nil}}, "3 of the replicas met (n1, n2, n3) complete, want 4"},
		{"one loses messages on the way", 2, []end{{"n1", nil}, {"n2", errors.New("after its message 1 came message 3")}},
			"nats: scan of q on n2: after its message 1 came message 3"},
	} {
		t.Run(c.claim, func(t *testing.T) {
			s := tally{stream: "q", want: c.want, peers: 3, met: map[string]bool{}}
			for _, e := range c.ends {
				if !s.more() {
					t.Fatalf("it stopped before %s", e.replica)
				}
				s.read(e.replica, e.err)
			}
			if s.more() {
				t.Error("it wants more")
			}
			if err := s.err(); (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("%v, want %q", err, c.err)
			}
		})
	}
}
