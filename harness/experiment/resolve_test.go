package experiment

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"waybill/harness/semantics"
)

// shop has three profiles, interleaved; one mode is in two of them, and the last profile has nothing of its own.
func shop() Product {
	p := Product{Name: "shop", Version: "1.2", Settings: map[string]string{"ack wait": "2s (default 30s)"}, Redelivery: 7 * time.Second,
		Profiles: []string{"fast", "safe", "combined"}, Extra: map[string][]string{"safe": {"k1"}}}
	for _, x := range [][2]string{{"at-once", "fast"}, {"quorum-confirms", "safe"}, {"acks-all", "fast"}, {"acks-all", "safe"}, {"acks-all", "combined"}} {
		p.Modes = append(p.Modes, semantics.Mode{Name: x[0], Profile: x[1]})
	}
	return p
}

// names gives runs the names run00001, run00002 and so on.
func names() func() string {
	n := 0
	return func() string { n++; return fmt.Sprintf("run%05d", n) }
}

func TestModesAreGroupedByProfile(t *testing.T) {
	for _, c := range []struct {
		claim   string
		profile string
		modes   []string
		want    []string // "profile: modes"
	}{
		{"the modes of the first profile by default, in the product's order", "", nil, []string{"fast: at-once acks-all"}},
		{"the modes asked for, in the product's order", "", []string{"acks-all", "at-once"}, []string{"fast: at-once acks-all"}},
		{"a mode named twice is one lane", "", []string{"acks-all", "acks-all"}, []string{"fast: acks-all"}},
		{"a profile without modes of those asked for has no run", "", []string{"quorum-confirms"}, []string{"safe: quorum-confirms"}},
		{"one profile alone", "fast", nil, []string{"fast: at-once acks-all"}},
		{"one profile, some modes", "fast", []string{"quorum-confirms", "acks-all"}, []string{"fast: acks-all"}},
		{"a mode of several profiles is run in the one asked for", "combined", []string{"acks-all"}, []string{"combined: acks-all"}},
		{"a profile asked for has all its modes, though others have them first", "safe", nil, []string{"safe: quorum-confirms acks-all"}},
		{"every mode in every profile that has it", AllProfiles, nil, []string{"fast: at-once acks-all", "safe: quorum-confirms acks-all", "combined: acks-all"}},
		{"some modes in every profile that has them", AllProfiles, []string{"quorum-confirms"}, []string{"safe: quorum-confirms"}},
	} {
		s := DefaultSpec()
		s.Profile, s.Modes = c.profile, c.modes
		out, err := Resolve(s, shop(), names())
		if err != nil {
			t.Errorf("%s: %v", c.claim, err)
			continue
		}
		var got []string
		seen := map[string]bool{}
		for _, e := range out {
			var ms []string
			for _, l := range e.Lanes {
				ms = append(ms, l.Name)
				if l.Mode.Name != l.Name || l.Mode.Profile != e.Profile || l.Producers != 2 || l.Consumers != 2 {
					t.Errorf("%s: lane %+v of profile %s", c.claim, l, e.Profile)
				}
				if l.Queue != strings.ReplaceAll(l.Name, "-", "_")+"_"+e.Run {
					t.Errorf("%s: the queue of %s in run %s is %s: two runs would share it", c.claim, l.Name, e.Run, l.Queue)
				}
			}
			got = append(got, e.Profile+": "+strings.Join(ms, " "))
			if seen[e.Run] {
				t.Errorf("%s: two runs are called %s", c.claim, e.Run)
			}
			seen[e.Run] = true
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: runs %q, want %q", c.claim, got, c.want)
		}
	}
}

func TestEverythingAskedForIsInTheExperiment(t *testing.T) {
	s := Spec{Target: "shop", Seed: 42, Nodes: 5, FastHeal: true, Profile: AllProfiles,
		Load: LoadSpec{Rate: 300, Size: 1000, Keys: 7, Producers: 3, Consumers: 4, Processing: 5 * time.Millisecond}}
	out, err := Resolve(s, shop(), names())
	if err != nil {
		t.Fatal(err)
	}
	e := out[0]
	e.Lanes = nil
	want := Experiment{Run: "run00001", Target: "shop", Profile: "fast", Version: "1.2", Seed: 42, Nodes: 5, FastHeal: true, Settings: shop().Settings,
		Load: Load{Rate: 300, Burst: 10, Size: 1000, Keys: 7, Processing: 5 * time.Millisecond, Batch: 16, Confirm: 2 * time.Second, Doubts: 0.02, Withhold: 0.02},
		Limits: Limits{Start: 2 * time.Minute, Trigger: 5 * time.Second, Heal: 30 * time.Second, Sync: 2 * time.Minute, Settle: 7500 * time.Millisecond,
			Quiesce: 20 * time.Second, Drain: 45 * time.Second}}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if l := out[1].Lanes[0]; l.Producers != 3 || l.Consumers != 4 {
		t.Errorf("lane %+v", l)
	}
	if !slices.Equal(out[1].Extra, []string{"k1"}) {
		t.Errorf("the hosts of profile safe besides brokers are %q, want k1", out[1].Extra)
	}
}

func TestSettlingOutlastsRedeliveryAndConfirmation(t *testing.T) {
	for _, redelivery := range []time.Duration{0, time.Second, time.Minute} {
		p := shop()
		p.Redelivery = redelivery
		out, err := Resolve(DefaultSpec(), p, names())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range out {
			if e.Limits.Settle <= redelivery || e.Limits.Settle <= e.Load.Confirm {
				t.Errorf("settles for %s; redelivery takes %s, a confirmation %s", e.Limits.Settle, redelivery, e.Load.Confirm)
			}
		}
	}
}

func TestWhatCannotBeRunIsRefusedWithWhatWouldBeRight(t *testing.T) {
	for _, c := range []struct {
		change func(*Spec)
		err    string
	}{
		{func(s *Spec) { s.Nodes = 2 }, "nodes is 2: want at least 3: with fewer, no majority survives a fault"},
		{func(s *Spec) { s.Load.Rate = 9.9 }, "load.rate is 9.9: want 10 to 1000000 messages a second and lane"},
		{func(s *Spec) { s.Load.Rate = 1e6 + 1 }, "load.rate is 1.000001e+06: want 10 to 1000000"},
		{func(s *Spec) { s.Load.Rate = math.NaN() }, "load.rate is NaN: want 10"},
		{func(s *Spec) { s.Load.Rate = math.Inf(1) }, "load.rate is +Inf: want 10"},
		{func(s *Spec) { s.Load.Size = 0 }, "load.size is 0: want 1 to 1048576 bytes"},
		{func(s *Spec) { s.Load.Size = 1<<20 + 1 }, "load.size is 1048577: want 1 to 1048576 bytes"},
		{func(s *Spec) { s.Load.Keys = 0 }, "load.keys is 0: want at least 1"},
		{func(s *Spec) { s.Load.Producers = 0 }, "load.producers is 0: want 1 to 32 a lane"},
		{func(s *Spec) { s.Load.Producers = 33 }, "load.producers is 33: want 1 to 32 a lane"},
		{func(s *Spec) { s.Load.Consumers = 1 }, "load.consumers is 1: want 2 to 32 a lane: a fault takes one, and another must take over"},
		{func(s *Spec) { s.Load.Consumers = 33 }, "load.consumers is 33: want 2 to 32 a lane"},
		{func(s *Spec) { s.Load.Processing = -1 }, "load.processing is -1ns: want 0s to 1s a message"},
		{func(s *Spec) { s.Load.Processing = 2 * time.Second }, "load.processing is 2s: want 0s to 1s a message"},
		{func(s *Spec) { s.Time = -time.Second }, "time is -1s: want a duration like 90s"},
		{func(s *Spec) { s.Profile = "slow" }, `target shop has no profile "slow": want one of fast, safe, combined, or all`},
		{func(s *Spec) { s.Modes = []string{"acks-all", "ack-all"} }, `target shop 1.2 has no mode "ack-all": want one of at-once, acks-all, quorum-confirms`},
		{func(s *Spec) { s.Profile, s.Modes = "safe", []string{"at-once"} }, `no mode of shop is left with profile "safe" and modes ["at-once"]`},
	} {
		s := DefaultSpec()
		c.change(&s)
		out, err := Resolve(s, shop(), names())
		if err == nil || !strings.Contains(err.Error(), c.err) || len(out) != 0 {
			t.Errorf("%+v: %d runs and error %v, want %q", s, len(out), err, c.err)
		}
	}
}

func TestTheBoundsThemselvesAreRight(t *testing.T) {
	for _, change := range []func(*Spec){
		func(s *Spec) { s.Nodes = 3 }, func(s *Spec) { s.Load.Rate = 10 }, func(s *Spec) { s.Load.Rate = 1e6 },
		func(s *Spec) { s.Load.Size = 1 }, func(s *Spec) { s.Load.Size = 1 << 20 }, func(s *Spec) { s.Load.Keys = 1 },
		func(s *Spec) { s.Load.Producers = 1 }, func(s *Spec) { s.Load.Producers = 32 }, func(s *Spec) { s.Load.Consumers = 2 },
		func(s *Spec) { s.Load.Consumers = 32 }, func(s *Spec) { s.Load.Processing = 0 }, func(s *Spec) { s.Load.Processing = time.Second },
	} {
		s := DefaultSpec()
		change(&s)
		if _, err := Resolve(s, shop(), names()); err != nil {
			t.Errorf("%+v: %v", s, err)
		}
	}
}

// A burst is about a tenth of a second of one producer: long enough to be struck, short enough to come often.
func TestBursts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := DefaultSpec()
		s.Load.Rate = rapid.Float64Range(10, 1e6).Draw(t, "rate")
		s.Load.Producers = rapid.IntRange(1, 32).Draw(t, "producers")
		out, err := Resolve(s, shop(), names())
		if err != nil {
			t.Fatal(err)
		}
		tenth := s.Load.Rate / float64(s.Load.Producers) / 10
		if got := out[0].Load.Burst; got < 1 || float64(got) > max(1, tenth) || float64(got) < tenth-1 {
			t.Fatalf("bursts of %d, a tenth of a second is %g", got, tenth)
		}
	})
}

func TestTheDefaultsCanBeRun(t *testing.T) {
	s := DefaultSpec()
	if _, err := Resolve(s, shop(), names()); err != nil {
		t.Error(err)
	}
	if s.Target == "" || s.Seed != 0 || s.Time != 0 || s.Faults != nil || s.Modes != nil || s.Profile != "" {
		t.Errorf("by default %+v: want a target, and everything else open", s)
	}
}
