package campaign

import (
	"slices"
	"strings"
	"testing"

	"waybill/harness/experiment"
	"waybill/harness/run"
	"waybill/nemesis"
	"waybill/targets"
	_ "waybill/targets/nats"
)

func TestFaultsAreExpandedAndChecked(t *testing.T) {
	for _, c := range []struct {
		asked, want []string
		err         string
	}{
		{nil, nemesis.Tour(), ""},
		{[]string{"all"}, nemesis.All(), ""},
		{[]string{"none"}, nil, ""},
		{[]string{"kill-leader:of=consumer"}, []string{"kill-leader:of=consumer"}, ""},
		{[]string{"kill-broker", "kill-everyone"}, nil, `no fault "kill-everyone"`},
	} {
		got, err := Faults(c.asked)
		if c.err == "" && (err != nil || !slices.Equal(got, c.want)) || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%v: %v, %v; want %v, %q", c.asked, got, err, c.want, c.err)
		}
	}
}

func TestTheTourIsSixOfAllFaults(t *testing.T) {
	all := nemesis.All()
	for _, f := range nemesis.Tour() {
		if !slices.Contains(all, f) {
			t.Errorf("%s is in the tour and not among all", f)
		}
	}
	if n := len(nemesis.Tour()); n != 6 {
		t.Errorf("the tour has %d faults, want 6", n)
	}
}

// nats is a site of the target that needs nothing fetched.
func nats(t *testing.T) Site {
	t.Helper()
	site, err := describe(experiment.DefaultSpec())
	if err != nil {
		t.Fatal(err)
	}
	return site
}

func TestOneSeedGivesOneScheduleAndEveryRunANameOfItsOwn(t *testing.T) {
	spec := experiment.DefaultSpec()
	spec.Seed = 42
	site := nats(t)
	a, err := site.Resolve(spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := site.Resolve(spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(a) != 1 || len(a[0].Schedule.Episodes) != 6 || len(a[0].Experiment.Lanes) != 4 {
		t.Fatalf("want one run of four lanes and six episodes, got %+v", a)
	}
	for i, e := range a[0].Schedule.Episodes {
		o := b[0].Schedule.Episodes[i]
		if e.Fault != o.Fault || e.Seed != o.Seed || e.Plan != o.Plan {
			t.Errorf("episode %d: %s and %s", i+1, e.Plan, o.Plan)
		}
	}
	if a[0].Experiment.Run == b[0].Experiment.Run || len(a[0].Experiment.Run) != 8 {
		t.Errorf("runs %q and %q: want two names of eight characters", a[0].Experiment.Run, b[0].Experiment.Run)
	}
	spec.Seed = 43
	c, err := site.Resolve(spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c[0].Schedule.Episodes[0].Seed == a[0].Schedule.Episodes[0].Seed {
		t.Error("another seed gives the same choices")
	}
}

func TestAScheduleIsReplayedAsWritten(t *testing.T) {
	spec := experiment.DefaultSpec()
	spec.Seed = 1
	written := experiment.Schedule{Episodes: []experiment.Episode{{Number: 1, Fault: "kill-all", Seed: 5}, {Number: 2, Fault: "kill-consumer", Seed: 6}}}
	site := nats(t)
	plans, err := site.Resolve(spec, &written)
	if err != nil {
		t.Fatal(err)
	}
	got := plans[0].Schedule.Episodes
	if len(got) != 2 || got[0].Fault != "kill-all" || got[0].Seed != 5 || got[1].Seed != 6 {
		t.Errorf("%+v, want the two faults with their seeds in this order", got)
	}
	if got[0].Length == 0 || got[0].Calm == 0 || got[1].Spared["jetstream/stored"] == "" {
		t.Errorf("%+v, want what was not written filled in", got)
	}
	written.Episodes[1].Fault = "kill-nobody"
	if _, err := site.Resolve(spec, &written); err == nil || !strings.Contains(err.Error(), "episode 2 of the schedule") {
		t.Errorf("%v, want the episode named", err)
	}
}

// A run's disks have one model; what wants two is a mistake of whoever asked, found before anything is started.
func TestFaultsThatWantDisksOfTwoModelsAreRefusedBeforehand(t *testing.T) {
	spec := experiment.DefaultSpec()
	spec.Seed = 1
	written := experiment.Schedule{Episodes: []experiment.Episode{{Number: 1, Fault: "power-failure"}, {Number: 2, Fault: "power-failure:of=one:model=torn"}}}
	_, err := nats(t).Resolve(spec, &written)
	if err == nil || !strings.Contains(err.Error(), "disks of two models, lazy and torn") {
		t.Errorf("%v, want both models named", err)
	}
	written.Episodes[1].Fault = "power-failure:of=one"
	if _, err := nats(t).Resolve(spec, &written); err != nil {
		t.Error(err)
	}
}

// The disks of somebody else's brokers are out of reach, whatever this machine permits; those of our own are asked about only for such a fault.
func TestDisksAreAskedAboutForFaultsThatNeedThemAlone(t *testing.T) {
	own := nats(t)
	p, err := own.place([]string{"kill-all", "drop-confirms"})
	if err != nil || p.Disks != "" || !p.Brokers {
		t.Errorf("%+v, %v", p, err)
	}
	p, err = own.place([]string{"kill-all", "power-failure"})
	if err != nil || p.Disks != run.DisksHere(t.Context()) {
		t.Errorf("%+v, %v; want what the machine says: %q", p, err, run.DisksHere(t.Context()))
	}
	theirs := own
	theirs.Access = &targets.Access{}
	if _, _, err := theirs.faults([]string{"power-failure"}); err == nil || !strings.Contains(err.Error(), "run by somebody else") {
		t.Errorf("%v", err)
	}
	if _, err := own.place([]string{"power-out"}); err == nil {
		t.Error("a fault that there is not")
	}
}
