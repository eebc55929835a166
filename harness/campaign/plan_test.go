package campaign

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waybill/harness/experiment"
	"waybill/harness/semantics"
	"waybill/nemesis"
	"waybill/targets"
)

// paper is a target that can be described, and no more.
type paper struct{}

func init() { targets.Register(paper{}) }

func (paper) Describe() targets.Description {
	return targets.Description{Name: "paper", Title: "Paper", Version: "1", Settings: map[string]string{"ack wait": "3s"},
		Timing: targets.Timing{Detection: 4 * time.Second, Redelivery: 3 * time.Second, Election: 10 * time.Second},
		Modes:  []semantics.Mode{{Name: "one", Profile: "a"}, {Name: "two", Profile: "b"}, {Name: "three", Profile: "a"}}}
}
func (paper) Provision(context.Context, string) (targets.Distribution, error) { panic("not here") }
func (paper) Start(context.Context, targets.Start) (targets.Cluster, error)   { panic("not here") }
func (paper) Client(targets.ClientConfig) (targets.Client, error)             { panic("not here") }

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		claim string
		asked []string
		want  []string
		err   string
	}{
		{"nothing is the tour", nil, nemesis.Tour(), ""},
		{"all", []string{"all"}, nemesis.All(), ""},
		{"none", []string{"none"}, nil, ""},
		{"those named, as they are named", []string{"lose-acks", "kill-leader:of=consumer"}, []string{"lose-acks", "kill-leader:of=consumer"}, ""},
		{"an unknown one", []string{"lose-acks", "lose-ack"}, nil, `no fault "lose-ack"`},
		{"a wrong value", []string{"kill-leader:of=stream"}, nil, "want one of queue, consumer"},
		{"all and another", []string{"all", "lose-acks"}, nil, `no fault "all"`},
	} {
		got, err := Faults(c.asked)
		if !slices.Equal(got, c.want) || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v, %v; want %v, %q", c.claim, got, err, c.want, c.err)
		}
	}
}

func spec() experiment.Spec {
	s := experiment.DefaultSpec()
	s.Target, s.Seed = "paper", 7
	return s
}

func TestAPlanForEachProfile(t *testing.T) {
	plans, target, err := Resolve(spec(), nil)
	if err != nil || len(plans) != 2 || target.Describe().Name != "paper" {
		t.Fatalf("%d plans of %v, %v", len(plans), target, err)
	}
	for i, profile := range []string{"a", "b"} {
		e, s := plans[i].Experiment, plans[i].Schedule
		if e.Profile != profile || e.Target != "paper" || e.Limits.Settle <= 3*time.Second {
			t.Errorf("plan %d is %+v", i+1, e)
		}
		if !regexp.MustCompile(`^[0-9a-f]{8}$`).MatchString(e.Run) {
			t.Errorf("the run is called %q: a token has room for eight characters", e.Run)
		}
		if len(s.Episodes) != len(nemesis.Tour()) {
			t.Errorf("%d episodes, the tour has %d", len(s.Episodes), len(nemesis.Tour()))
		}
		var sum time.Duration
		for _, x := range s.Episodes {
			f, _, err := nemesis.Find(x.Fault)
			if err != nil {
				t.Fatal(err)
			}
			if want := f.Length(nemesis.Timing{Detection: 4 * time.Second, Redelivery: 3 * time.Second, Election: 10 * time.Second, Confirm: e.Load.Confirm}); x.Length != want {
				t.Errorf("%s lasts %s, with this target's timeouts it should %s", x.Fault, x.Length, want)
			}
			for key := range x.Spared {
				lane, _, _ := strings.Cut(key, "/")
				if !slices.ContainsFunc(e.Lanes, func(l experiment.Lane) bool { return l.Name == lane }) {
					t.Errorf("%s spares %s, which is no lane of profile %s", x.Fault, key, profile)
				}
			}
			sum += nemesis.Takes(x, e.Limits.Settle)
		}
		if plans[i].Length() != sum || sum == 0 {
			t.Errorf("the plan takes %s, its episodes %s", plans[i].Length(), sum)
		}
	}
	if plans[0].Experiment.Run == plans[1].Experiment.Run {
		t.Error("two runs have one name: each would take the other's messages for its own")
	}
	again, _, err := Resolve(spec(), nil)
	if err != nil || !cmp.Equal(plans[0].Schedule, again[0].Schedule) {
		t.Errorf("the same seed gives another schedule: %v\n%s", err, cmp.Diff(plans[0].Schedule, again[0].Schedule))
	}
}

func TestAScheduleThatIsGivenReplacesTheSeeds(t *testing.T) {
	given := experiment.Schedule{Episodes: []experiment.Episode{{Number: 1, Fault: "kill-all", Seed: 99, Length: time.Minute}}}
	plans, _, err := Resolve(spec(), &given)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range plans {
		if s := p.Schedule; len(s.Episodes) != 1 || s.Episodes[0].Fault != "kill-all" || s.Episodes[0].Seed != 99 || s.Episodes[0].Length != time.Minute {
			t.Errorf("schedule %+v", s)
		}
	}
}

func TestWhatCannotBeResolvedIsNamed(t *testing.T) {
	for _, c := range []struct {
		change   func(*experiment.Spec)
		schedule *experiment.Schedule
		err      string
	}{
		{func(s *experiment.Spec) { s.Target = "papre" }, nil, `no target "papre": want one of paper`},
		{func(s *experiment.Spec) { s.Modes = []string{"four"} }, nil, `no mode "four"`},
		{func(s *experiment.Spec) { s.Faults = []string{"kill-everyone"} }, nil, `no fault "kill-everyone"`},
		{func(s *experiment.Spec) { s.Time = time.Second }, nil, "fits within 1s"},
		{func(*experiment.Spec) {}, &experiment.Schedule{Episodes: []experiment.Episode{{Fault: "kill-everyone"}}}, `episode 1 of the schedule: nemesis: no fault "kill-everyone"`},
	} {
		s := spec()
		c.change(&s)
		if plans, _, err := Resolve(s, c.schedule); err == nil || !strings.Contains(err.Error(), c.err) || plans != nil {
			t.Errorf("%d plans, error %v, want %q", len(plans), err, c.err)
		}
	}
}

func TestNoFaultsIsACalmRun(t *testing.T) {
	s := spec()
	s.Faults = []string{"none"}
	plans, _, err := Resolve(s, nil)
	if err != nil || len(plans) != 2 || len(plans[0].Schedule.Episodes) != 0 {
		t.Errorf("%+v, %v", plans, err)
	}
}

func TestASeedCanBeTypedAgain(t *testing.T) {
	seen := map[uint64]bool{}
	for range 100 {
		n := NewSeed()
		if n == 0 || n > 1_000_000 {
			t.Fatalf("seed %d: 0 means that none was given", n)
		}
		seen[n] = true
	}
	if len(seen) < 90 {
		t.Errorf("100 seeds, %d different", len(seen))
	}
}
