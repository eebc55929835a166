package rabbitmq

import (
	"testing"

	"pgregory.net/rapid"
)

func TestWhoLeadsBySeveralAccounts(t *testing.T) {
	a, b := threeNodes[0], threeNodes[1]
	for _, c := range []struct {
		claim string
		node  string
		v     queueView
		leads bool
	}{
		{"a member that says so leads", a, queueView{Kind: "quorum", Leader: b, member: member{Role: "leader"}}, true},
		{"a follower does not, whatever is believed of it", a, queueView{Kind: "quorum", Leader: a, member: member{Role: "follower"}}, false},
		{"a living process leads where it lives", a, queueView{Kind: "classic", Leader: a, Alive: true}, true},
		{"and nowhere else", b, queueView{Kind: "classic", Leader: a, Alive: true}, false},
		{"a dead one does not", a, queueView{Kind: "classic", Leader: a}, false},
	} {
		if got := c.v.leads(c.node); got != c.leads {
			t.Errorf("%s: %v", c.claim, got)
		}
	}
	late, early := &queueView{Kind: "quorum", member: member{Term: 5}}, &queueView{Kind: "quorum", member: member{Term: 4}}
	if !late.before(early) || early.before(late) {
		t.Error("of two Raft leaders the one of the later term counts")
	}
	many, few := &queueView{Kind: "classic", Mirrors: threeNodes[:1]}, &queueView{Kind: "classic"}
	if !many.before(few) || few.before(many) {
		t.Error("of the two leaders of a partitioned queue the one with more mirrors counts")
	}
}

func TestTheEpochOfAClassicQueueGrowsWithEachLeaderOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &cluster{epochs: map[string]epoch{}}
		last, epoch := "", uint64(0)
		for range 20 {
			process := rapid.SampledFrom([]string{"<1.1.0>", "<2.1.0>", "<2.2.0>"}).Draw(t, "process")
			got := c.epochOf("q", process)
			if grown := got == epoch+1; grown != (process != last) || !grown && got != epoch {
				t.Fatalf("epoch %d of %s after %d of %s", got, process, epoch, last)
			}
			last, epoch = process, got
		}
		if other := c.epochOf("r", "<1.1.0>"); other != 1 {
			t.Fatalf("another queue begins at %d", other)
		}
	})
}
