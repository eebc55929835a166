package checkers_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waybill/harness/history"
	"waybill/harness/semantics"
)

// outage is a loss of power while message 2 was on its way: it is retried and acknowledged. Its disks forgot as events say.
func outage(m semantics.Mode, fault string, copies []uint64, forgot ...history.Event) *script {
	s := struck(m, fault, func(s *script) { s.whole(1).send(2, 1) }, func(s *script) {
		for _, e := range forgot {
			e.Kind, e.Ref, e.Text = history.DiskForgot, 1, "lazy"
			s.add(ctl, e)
		}
		s.outcome(2, 1, history.Unknown, 0).send(2, 2)
		s.add(prod, history.Event{Kind: history.Outcome, Msg: msg(2), Attempt: 2, Status: history.Acked, Pos: at(2), Flags: history.Duplicate})
		if len(copies) > 1 {
			s.consumed(2)
		}
	}, nothing)
	return s.close(1, copies, copies)
}

const (
	disksOff    = "disks that lost power"
	ackedJust   = "sends acknowledged in the last second before"
	neverSynced = "bytes forgotten, never synced"
)

func TestALossOfPowerCountsWhereDisksLostItAndSomethingWasJustAcknowledged(t *testing.T) {
	storing := exactlyOnce()
	storing.Promises = []semantics.Promise{{Stage: semantics.Stored, Guarantee: semantics.AtLeastOnce}}
	fleeting := storing
	fleeting.Promises = []semantics.Promise{{Stage: semantics.Stored, Guarantee: semantics.AtMostOnce}}
	outside := storing
	outside.Promises = []semantics.Promise{{Stage: semantics.Stored, Guarantee: semantics.AtLeastOnce, Except: []string{"power-failure:of=all"}}}
	forgot := func(bytes ...uint64) (out []history.Event) {
		for _, n := range bytes {
			out = append(out, history.Event{Name: "n", Count: n})
		}
		return out
	}
	seen := func(disks, acked, bytes int64) map[string]int64 {
		return map[string]int64{disksOff: disks, ackedJust: acked, neverSynced: bytes}
	}
	for _, c := range []struct {
		name   string
		mode   semantics.Mode
		fault  string
		forgot []history.Event
		copies []uint64
		result semantics.Result
		why    string
		seen   map[string]int64
	}{
		{"some of what was written was never synced", storing, "power-failure", forgot(70, 30), ids(1, 2), semantics.Kept, "", seen(2, 1, 100)},
		{"all that was written was synced", storing, "power-failure", forgot(0), ids(1, 2), semantics.Kept, "", seen(1, 1, 0)},
		{"nobody says what the disks did", storing, "power-failure", nil, ids(1, 2), semantics.Inconclusive, "no " + disksOff, seen(0, 1, 0)},
		{"what another lane's disk forgot", storing, "power-failure", []history.Event{{Lane: 1, Count: 70}}, ids(1, 2), semantics.Inconclusive, "no " + disksOff, seen(0, 1, 0)},
		{"acknowledged and gone", storing, "power-failure", forgot(70), ids(1), semantics.Broken, "lost: not accepted", seen(1, 1, 70)},
		{"what may be lost need not be on a disk", fleeting, "power-failure", nil, ids(1, 2), semantics.Kept, "", map[string]int64{neverSynced: 0}},
		{"outside the promise, all is counted and nothing judged", outside, "power-failure", forgot(70), ids(1), semantics.Observed, "outside the promise", seen(1, 1, 70)},
		{"one node, within the promise", outside, "power-failure:model=torn:of=one", forgot(70), ids(1, 2), semantics.Kept, "", seen(1, 1, 70)},
		{"one node, acknowledged and gone", outside, "power-failure:of=one", forgot(70), ids(1), semantics.Broken, "lost: not accepted", seen(1, 1, 70)},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := cell(t, outage(c.mode, c.fault, c.copies, c.forgot...).audit(t), semantics.Stored, 1)
			if got.Result != c.result || !strings.Contains(got.Why, c.why) {
				t.Errorf("%s, %q; want %s, %q", got.Result, got.Why, c.result, c.why)
			}
			of := map[string]int64{}
			for _, e := range got.Exposure {
				what, model, _ := strings.Cut(e.What, " (")
				if what == disksOff || what == ackedJust || what == neverSynced {
					of[what] = e.Seen
				}
				if what == neverSynced && (model == "model lazy)") != (c.seen[disksOff] > 0) {
					t.Errorf("%q names the model of disks that lost power, or not", e.What)
				}
			}
			if d := cmp.Diff(c.seen, of); d != "" {
				t.Errorf("exposure (-want +got):\n%s", d)
			}
		})
	}
}

// What was acknowledged long ago may be on disk by now, whoever acknowledged it.
func TestOnlyWhatWasAcknowledgedInTheLastSecondIsAtStake(t *testing.T) {
	m := exactlyOnce()
	m.Promises = []semantics.Promise{{Stage: semantics.Stored, Guarantee: semantics.AtLeastOnce}}
	for ago, want := range map[int64]semantics.Result{900_000: semantics.Kept, 1_100_000: semantics.Inconclusive} {
		s := outage(m, "power-failure", ids(1, 2), history.Event{Count: 70})
		strike := slices.IndexFunc(s.events, func(e history.Event) bool { return e.Kind == history.FaultInject })
		for i := strike; i < len(s.events); i++ {
			s.events[i].Time += ago
		}
		if got := cell(t, s.audit(t), semantics.Stored, 1); got.Result != want {
			t.Errorf("acknowledged %d µs before: %s, %q; want %s", ago, got.Result, got.Why, want)
		}
	}
}

// A session waits for the answers of brokers that have all lost power, and must have retried; of one broker it may not have waited.
func TestALossOfAllPowerLosesAnswers(t *testing.T) {
	m := exactlyOnce()
	m.Traits.DedupStore, m.Traits.DedupEffect, m.Traits.Session = false, false, true
	m.Promises = m.Promises[:1]
	for fault, want := range map[string]semantics.Result{"power-failure": semantics.Inconclusive, "power-failure:of=one": semantics.Kept,
		"power-failure:of=one:model=torn": semantics.Kept, "power-failure:model=torn": semantics.Inconclusive} {
		s := struck(m, fault, func(s *script) { s.whole(1).send(2, 1) }, func(s *script) {
			s.add(ctl, history.Event{Kind: history.DiskForgot, Ref: 1})
			s.outcome(2, 1, history.Acked, 2).consumed(2)
		}, nothing)
		if got := cell(t, s.close(1, ids(1, 2), ids(1, 2)).audit(t), semantics.Stored, 1); got.Result != want {
			t.Errorf("%s, none sent again: %s, %q; want %s", fault, got.Result, got.Why, want)
		}
	}
}

// What the disks forgot may be what consumers believe to have had: new messages are then passed over, and no queue drains.
func TestLivenessIsNotJudgedOnceALossOfPowerTookWhatNobodyPromised(t *testing.T) {
	outside := exactlyOnce()
	outside.Promises = []semantics.Promise{{Stage: semantics.Stored, Guarantee: semantics.AtLeastOnce, Except: []string{"power-failure"}}}
	covered := exactlyOnce()
	covered.Promises = []semantics.Promise{{Stage: semantics.Stored, Guarantee: semantics.AtLeastOnce}}
	for _, c := range []struct {
		claim  string
		mode   semantics.Mode
		fault  string
		forgot uint64
		want   semantics.Result
	}{
		{"outside the promise", outside, "power-failure", 70, semantics.Observed},
		{"outside the promise, and nothing was forgotten", outside, "power-failure", 0, semantics.Broken},
		{"within the promise", covered, "power-failure", 70, semantics.Broken},
		{"another fault, outside nothing", outside, "kill-all", 70, semantics.Broken},
	} {
		s := outage(c.mode, c.fault, ids(1, 2), history.Event{Count: c.forgot})
		for i, e := range s.events {
			if e.Kind == history.ServiceHealed {
				s.events[i].Status = history.Failed
			}
		}
		if got := s.audit(t).Episodes[0].Liveness["lane"]; got != c.want {
			t.Errorf("%s: %s, want %s", c.claim, got, c.want)
		}
	}
}
