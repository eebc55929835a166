package checkers_test

import (
	"testing"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

func TestLivenessIsJudgedOnlyAfterAVerifiedHeal(t *testing.T) {
	for _, c := range []struct {
		name          string
		first, second history.Status // FaultVerified of each episode
		want          [2]semantics.Result
	}{
		{"a service that stays away after a verified heal breaks its limit", history.OK, history.OK, [2]semantics.Result{semantics.Broken, semantics.Broken}},
		{"after a heal that could not be verified nothing can be said", history.OK, history.Failed, [2]semantics.Result{semantics.Broken, semantics.Inconclusive}},
		{"nor in the episodes behind it", history.Failed, history.OK, [2]semantics.Result{semantics.Inconclusive, semantics.Inconclusive}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScript(exactlyOnce()).whole(1)
			for i, verified := range []history.Status{c.first, c.second} {
				ref := uint64(i + 1)
				s.schedule.Episodes = append(s.schedule.Episodes, experiment.Episode{Number: i + 1, Fault: "kill-broker"})
				s.begin(ref, "kill-broker")
				for _, e := range []history.Event{{Kind: history.FaultInject}, {Kind: history.FaultInjected}, {Kind: history.FaultRecover},
					{Kind: history.FaultVerified, Status: verified}, {Kind: history.ServiceHealed, Status: history.Failed, Reason: history.LimitReached}} {
					e.Ref = ref
					s.add(ctl, e)
				}
				s.close(ref, ids(1), ids(1))
			}
			v := s.audit(t)
			for i, want := range c.want {
				if got := v.Episodes[i].Liveness["lane"]; got != want {
					t.Errorf("episode %d: %s (%s), want %s", i+1, got, v.Episodes[i].LiveWhy["lane"], want)
				}
			}
		})
	}
}
