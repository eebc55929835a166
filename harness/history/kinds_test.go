package history

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEveryCodeHasANameOfItsOwn(t *testing.T) {
	for what, names := range map[string][]string{
		"kind": kindNames[1:], "status": statusNames[1:], "reason": reasonNames[1:], "origin": originNames[1:], "flag": flagNames[:],
	} {
		seen := map[string]bool{}
		for i, name := range names {
			if name == "" || seen[name] {
				t.Errorf("%s %d is named %q: that is empty or taken", what, i+1, name)
			}
			seen[name] = true
		}
	}
}

func TestTheLastOfEveryCodeIsNamed(t *testing.T) {
	got := []string{
		DiskForgot.String(), (DiskForgot + 1).String(), Kind(0).String(),
		Fenced.String(), (Fenced + 1).String(), NoStatus.String(),
		Withheld.String(), (Withheld + 1).String(), NoReason.String(),
		FromClose.String(), (FromClose + 1).String(), NoOrigin.String(),
		(Duplicate | Resent).String(), (Resent << 1).String(), Flags(0).String(),
	}
	want := []string{
		"disk-forgot", "kind-62", "kind-0",
		"fenced", "status-11", "",
		"withheld", "reason-15", "",
		"close", "origin-5", "",
		"duplicate|resent", "flag-13", "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

func TestOnlyWhatIsRecordedBeforeTheActIsAnInvocation(t *testing.T) {
	var got []Kind
	for k := range Kind(255) {
		if k.IsInvocation() {
			got = append(got, k)
		}
	}
	want := []Kind{PhaseBegin, EpisodeBegin, CheckpointBegin, Send, TxnBegin, TxnEnd, Receive, AckCalled, ApplyBegin, ScanBegin, FaultInject, FaultRecover}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}
