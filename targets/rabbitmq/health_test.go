package rabbitmq

import (
	"strings"
	"testing"
)

var threeNodes = []string{"rabbit@10.77.0.2", "rabbit@10.77.0.3", "rabbit@10.77.0.4"}

func TestANodeIsWellWhenItSeesAllOthers(t *testing.T) {
	well := nodeHealth{Serving: true, Running: threeNodes}
	for _, c := range []struct {
		claim  string
		change func(*nodeHealth)
		want   string
	}{
		{"it is", func(*nodeHealth) {}, ""},
		{"a paused one is not", func(h *nodeHealth) { h.Serving = false }, "does not serve"},
		{"one that knows of a partition is not", func(h *nodeHealth) { h.Partitions = threeNodes[:1] }, "was partitioned from [rabbit@10.77.0.2]"},
		{"one with an alarm is not", func(h *nodeHealth) { h.Alarms = []string{"memory"} }, "alarms [memory]"},
		{"one that is busy finding out is not", func(h *nodeHealth) { h.Unsure = true }, "does not know yet"},
		{"one that misses another is not", func(h *nodeHealth) { h.Running = threeNodes[1:] }, "does not see rabbit@10.77.0.2"},
	} {
		h := well
		c.change(&h)
		wantError(t, c.claim, h.check("n1", threeNodes), c.want)
	}
}

func wantError(t *testing.T, claim string, err error, want string) {
	t.Helper()
	if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
		t.Errorf("%s: got %v, want %q", claim, err, want)
	}
}

func TestAQueueIsWellWhenAllAgreeAndEnoughTakePart(t *testing.T) {
	raft := func() []queueView {
		var vs []queueView
		for i := range threeNodes {
			v := queueView{Kind: "quorum", Leader: threeNodes[1], Members: threeNodes, member: member{Role: "follower", Term: 4, Last: 20, Applied: 20}}
			if i == 1 {
				v.Role = "leader"
			}
			vs = append(vs, v)
		}
		return vs
	}
	mirrors := func() []queueView {
		var vs []queueView
		for range threeNodes {
			vs = append(vs, queueView{Kind: "classic", Leader: threeNodes[0], Alive: true, Mirrors: threeNodes[1:], Synchronised: threeNodes[1:]})
		}
		return vs
	}
	for _, c := range []struct {
		claim  string
		kind   kind
		views  []queueView
		change func([]queueView)
		some   string // what Healthy says
		all    string // what InSync says
	}{
		{"a quorum queue", quorum, raft(), func([]queueView) {}, "", ""},
		{"with a member behind", quorum, raft(), func(v []queueView) { v[0].Applied = 19 }, "", "1 are behind"},
		{"whose leader went on since the mark was set", quorum, raft(), func(v []queueView) { v[1].Applied = 25 }, "", ""},
		{"with a member in an older term", quorum, raft(), func(v []queueView) { v[0].Term = 3 }, "", "2 take part"},
		{"with two members that do not take part", quorum, raft(), func(v []queueView) { v[0].Role, v[2].Role = "noproc", "pre_vote" }, "1 of 3 members", "1 of 3 members"},
		{"with two members only", quorum, raft(), func(v []queueView) {
			for i := range v {
				v[i].Members = threeNodes[:2]
			}
		}, "2 members, want 3", "2 members, want 3"},
		{"whose leader is another by one node's account", quorum, raft(), func(v []queueView) { v[2].Leader = threeNodes[2] }, "says rabbit@10.77.0.4", "says rabbit@10.77.0.4"},
		{"whose leader does not say that it leads", quorum, raft(), func(v []queueView) { v[1].Role = "follower" }, "no node says", "no node says"},
		{"a mirrored queue", mirrored, mirrors(), func([]queueView) {}, "", ""},
		{"with an unsynchronised mirror", mirrored, mirrors(), func(v []queueView) { v[0].Synchronised = threeNodes[1:2] }, "", "1 synchronised mirrors, want 2"},
		{"whose leader has died", mirrored, mirrors(), func(v []queueView) { v[0].Alive = false }, "does not run", "does not run"},
		{"a classic queue needs its process only", classic, mirrors(), func(v []queueView) { v[0].Synchronised = nil }, "", ""},
		{"whose process has died", classic, mirrors(), func(v []queueView) { v[0].Alive = false }, "does not run", "does not run"},
		{"led by a node that is none", classic, mirrors(), func(v []queueView) {
			for i := range v {
				v[i].Leader = "undefined"
			}
		}, "no leader", "no leader"},
	} {
		c.change(c.views)
		wantError(t, c.claim+", healthy", checkQueue("q", c.kind, c.views, threeNodes, 0, false), c.some)
		wantError(t, c.claim+", in sync", checkQueue("q", c.kind, c.views, threeNodes, 20, true), c.all)
	}
}

func TestTheMarkIsWhatTheLeaderHasApplied(t *testing.T) {
	views := []queueView{{member: member{Role: "follower", Applied: 30}}, {member: member{Role: "leader", Applied: 20}}, {member: member{Role: "noproc"}}}
	if got := leaderApplied(views); got != 20 {
		t.Errorf("got %d, want 20", got)
	}
}
