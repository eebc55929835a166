package rabbitmq

import (
	"slices"
	"testing"
	"time"
)

func TestWhatAnOperatorDoesAboutANodeThatStaysAway(t *testing.T) {
	var (
		serves = nodeHealth{Version: "3", Serving: true}
		idle   = nodeHealth{Version: "3"}
		boots  = nodeHealth{Version: "3", Booting: true}
		silent = nodeHealth{}
	)
	type look struct {
		first  nodeHealth // what the first node says
		others nodeHealth // and the other two
		passed time.Duration
	}
	var flaps, lapses []look
	for range 20 {
		flaps = append(flaps, look{idle, serves, 2 * time.Second}, look{boots, serves, 2 * time.Second})
		lapses = append(lapses, look{boots, serves, 2 * time.Second}, look{boots, silent, time.Minute})
	}
	for _, c := range []struct {
		claim       string
		looks       []look
		idle, stuck []int
	}{
		{"nothing while all serve", []look{{serves, serves, time.Hour}}, nil, nil},
		{"nothing at first", []look{{idle, serves, staysAway - 1}}, nil, nil},
		{"stop and start one that is idle", []look{{idle, serves, staysAway}}, []int{0}, nil},
		{"the same if it did not answer in between", []look{{idle, serves, staysAway / 2}, {silent, serves, time.Second}, {idle, serves, staysAway / 2}}, []int{0}, nil},
		{"not while it does not answer", []look{{idle, serves, staysAway}, {silent, serves, time.Second}}, nil, nil},
		{"not while it boots", []look{{idle, serves, staysAway}, {boots, serves, time.Second}}, nil, nil},
		{"not when it only now is idle again", []look{{idle, serves, staysAway - 1}, {boots, serves, 1}, {idle, serves, 1}}, nil, nil},
		{"nothing about one that boots for some time", []look{{boots, serves, staysStuck - 1}}, nil, nil},
		{"kill one that boots for ever", []look{{boots, serves, staysStuck}}, nil, []int{0}},
		{"kill one that does not answer", []look{{silent, serves, staysStuck}}, nil, []int{0}},
		{"kill one that flaps and never serves", flaps, nil, []int{0}},
		{"nothing about one that served in between", []look{{boots, serves, staysStuck - 1}, {serves, serves, 1}, {boots, serves, staysStuck - 1}}, nil, nil},
		{"nothing while nobody serves", []look{{boots, boots, time.Hour}, {idle, silent, time.Hour}}, nil, nil},
		{"nothing while a minority serves: the others may be starting", []look{{serves, idle, time.Hour}, {serves, boots, time.Hour}}, nil, nil},
		{"kill one though the others' answers are missing at times", lapses, nil, []int{0}},
	} {
		a := make(absences, 3)
		var hs []nodeHealth
		for _, l := range c.looks {
			hs = []nodeHealth{l.first, l.others, l.others}
			a.see(hs, l.passed)
		}
		if idle, stuck := a.idle(hs), a.stuck(); !slices.Equal(idle, c.idle) || !slices.Equal(stuck, c.stuck) {
			t.Errorf("%s: stop and start %v, kill %v; want %v, %v", c.claim, idle, stuck, c.idle, c.stuck)
		}
	}
}

func TestANodeIsKilledOnce(t *testing.T) {
	a := absences{{killed: true}, {}, {}}
	serves := nodeHealth{Version: "3", Serving: true}
	a.see([]nodeHealth{{Version: "3", Booting: true}, serves, serves}, time.Hour)
	if got := a.stuck(); len(got) > 0 {
		t.Errorf("%v are to be killed again: what they do may take that long", got)
	}
}
