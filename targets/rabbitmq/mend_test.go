package rabbitmq

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestTheLosingSideOfAPartitionRestarts(t *testing.T) {
	for _, c := range []struct {
		claim      string
		partitions [3][]int // whom each says it was cut off from
		want       []int
	}{
		{"nobody, when nobody was cut off", [3][]int{}, nil},
		{"the one, when it was cut off from both", [3][]int{{1, 2}, {0}, {0}}, []int{0}},
		{"the one, by its own word only", [3][]int{{1, 2}, {}, {}}, []int{0}},
		{"the one, by the others' word only", [3][]int{{1}, {}, {1}}, []int{1}},
		{"all but the first, when all were apart", [3][]int{{1, 2}, {0, 2}, {0, 1}}, []int{1, 2}},
		{"both that were apart, when the first saw both", [3][]int{{}, {2}, {1}}, []int{1, 2}},
	} {
		var hs []nodeHealth
		for _, p := range c.partitions {
			var h nodeHealth
			for _, i := range p {
				h.Partitions = append(h.Partitions, threeNodes[i])
			}
			hs = append(hs, h)
		}
		if got := losing(hs, threeNodes); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.claim, got, c.want)
		}
	}
}

func TestSomebodyIsTrustedAndSomebodyRestarts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hs := make([]nodeHealth, 3)
		some := false
		for i := range hs {
			for j, n := range threeNodes {
				if i != j && rapid.Bool().Draw(t, "apart") {
					hs[i].Partitions = append(hs[i].Partitions, n)
					some = true
				}
			}
		}
		losers := losing(hs, threeNodes)
		if len(losers) == len(hs) {
			t.Fatalf("all of them: %v", hs)
		}
		if some != (len(losers) > 0) {
			t.Fatalf("%v of %v", losers, hs)
		}
	})
}

func TestWhatStoppedIsForgottenBeforeItStartsAgain(t *testing.T) {
	stopped := []string{threeNodes[0]}
	for _, c := range []struct {
		claim string
		says  nodeHealth
		want  bool
	}{
		{"by a node that sees the others only", nodeHealth{Running: threeNodes[1:]}, true},
		{"by a node that was cut off from another", nodeHealth{Running: threeNodes[1:2], Partitions: threeNodes[2:]}, true},
		{"not while it is seen to run", nodeHealth{Running: threeNodes}, false},
		{"not while it is in a list of partitions", nodeHealth{Running: threeNodes[1:], Partitions: stopped}, false},
		{"not while a node does not say", nodeHealth{Running: threeNodes[1:], Unsure: true}, false},
	} {
		if got := c.says.forgot("n2", stopped) == nil; got != c.want {
			t.Errorf("%s: %v", c.claim, got)
		}
	}
}

func TestAPartitionIsTheSameAsBefore(t *testing.T) {
	before := nodeHealth{Serving: true, Running: threeNodes[:1], Partitions: threeNodes[1:]}
	for _, c := range []struct {
		claim string
		now   nodeHealth
		want  bool
	}{
		{"when nothing has changed", before, true},
		{"not when the node stopped serving", nodeHealth{Running: threeNodes[:1], Partitions: threeNodes[1:]}, false},
		{"not when it sees another run", nodeHealth{Serving: true, Running: threeNodes[:2], Partitions: threeNodes[1:]}, false},
		{"not when it was cut off from fewer", nodeHealth{Serving: true, Running: threeNodes[:1], Partitions: threeNodes[2:]}, false},
		{"not when it does not say", nodeHealth{Serving: true, Running: threeNodes[:1], Unsure: true}, false},
	} {
		if got := before.unchanged(c.now); got != c.want || c.now.unchanged(before) != c.want {
			t.Errorf("%s: %v", c.claim, got)
		}
	}
}
