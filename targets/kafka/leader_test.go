package kafka

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"
	"waybill/targets"
)

func TestAGroupIsKeptWhereJavaHashesItsName(t *testing.T) {
	for _, c := range []struct {
		group      string
		partitions int
		want       int
	}{
		{"", 4, 0},
		{"a", 50, 47},                 // 97
		{"test", 50, 48},              // 3556498
		{"polygenelubricants", 50, 0}, // the least integer: its absolute value is none
		{"orders", 50, 17},            // -1008770331: the sign is dropped, not turned
	} {
		if got := coordinatorPartition(c.group, c.partitions); got != c.want {
			t.Errorf("%q of %d: %d, want %d", c.group, c.partitions, got, c.want)
		}
	}
}

func trio() *cluster {
	c := &cluster{topics: map[string]bool{}}
	for i, name := range []string{"n1", "n2", "n3"} {
		c.brokers = append(c.brokers, &node{id: int32(i + 1), Node: targets.Node{Name: name}})
	}
	return c
}

func sees(ps ...partition) view { return view{topics: map[string][]partition{"q": ps}} }

func TestOfDifferentAnswersTheNewestIsBelieved(t *testing.T) {
	all := []int32{1, 2, 3}
	old, fresh := partition{1, 4, all, all}, partition{2, 5, all, []int32{2, 3}}
	for _, c := range []struct {
		claim string
		views []view
		want  []partition
	}{
		{"an old leader that was cut off", []view{sees(old), sees(fresh), sees(fresh)}, []partition{fresh}},
		{"whoever is asked first", []view{sees(fresh), sees(old)}, []partition{fresh}},
		{"each partition for itself", []view{sees(old, fresh), sees(fresh, old)}, []partition{fresh, fresh}},
		{"one that does not answer hides nothing", []view{{}, sees(old)}, []partition{old}},
		{"nobody knows", []view{{}, {}}, nil},
	} {
		if diff := cmp.Diff(c.want, latest(c.views, "q"), cmp.AllowUnexported(partition{})); diff != "" {
			t.Errorf("%s:\n%s", c.claim, diff)
		}
	}
}

func TestWhatKeepsATopicFromServingIsSaid(t *testing.T) {
	all := []int32{1, 2, 3}
	good := partition{1, 4, all, all}
	shrunk, alone := good, good
	shrunk.inSync, alone.inSync = []int32{1, 2}, []int32{1}
	none := partition{-1, 4, all, all}
	most := func(p partition) int { return majority(len(p.replicas)) }
	every := func(p partition) int { return len(p.replicas) }
	for _, c := range []struct {
		claim string
		views []view
		want  func(partition) int
		says  string
	}{
		{"nothing", []view{sees(good), sees(good), sees(good)}, every, ""},
		{"two of three are a majority", []view{sees(shrunk), sees(shrunk), sees(shrunk)}, most, ""},
		{"and not all", []view{sees(shrunk), sees(shrunk), sees(shrunk)}, every, "n1 says that replicas [1 2] of q/0 are in sync, led by 1: want 3"},
		{"one of three is none", []view{sees(good), sees(alone), sees(good)}, most, "n2 says that replicas [1]"},
		{"a leader that is not in sync", []view{sees(partition{3, 4, all, []int32{1, 2}}), sees(good), sees(good)}, most, "n1 says that"},
		{"no leader", []view{sees(none), sees(none), sees(none)}, most, "n1 knows no leader of q/0"},
		{"an older leader", []view{sees(good), sees(good), sees(partition{2, 3, all, all})}, most, "n3 says that n2 leads q/0 in epoch 3, another says n1 in epoch 4"},
		{"the same leader in an older epoch", []view{sees(good), sees(partition{1, 3, all, all}), sees(good)}, most, "n2 says that n1 leads q/0 in epoch 3, another says n1 in epoch 4"},
		{"a topic that one does not know", []view{sees(good), {}, sees(good)}, most, "n2 knows 0 partitions of topic q, want 1"},
		{"one that nobody knows", []view{{}, {}, {}}, most, "n1 knows 0 partitions of topic q, want 1"},
	} {
		err := trio().agrees(c.views, "q", c.want)
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v", c.claim, err)
		}
	}
}

func TestMetadataThatMakesNoSenseIsRefused(t *testing.T) {
	name := "q"
	r := kmsg.NewPtrMetadataResponse()
	r.Topics = []kmsg.MetadataResponseTopic{{Topic: &name, Partitions: []kmsg.MetadataResponseTopicPartition{{Partition: 1}}}}
	if v, err := viewOf(r); err == nil {
		t.Errorf("%+v", v)
	}
}
