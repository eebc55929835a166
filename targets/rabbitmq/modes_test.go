package rabbitmq

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"waybill/harness/semantics"
)

// listed are the modes of a version, as "name in profile".
func listed(version string) (out []string) {
	for _, m := range modes(version) {
		out = append(out, m.Name+" in "+m.Profile)
	}
	return out
}

func TestAVersionHasTheModesItCanKeep(t *testing.T) {
	rest := []string{"quorum in pause_minority", "quorum in autoheal", "quorum in ignore", "quorum-ledger in pause_minority",
		"unroutable in pause_minority", "mandatory in pause_minority"}
	classics := []string{"auto-ack in pause_minority", "classic-confirms in pause_minority"}
	mirrors := []string{"mirrored in pause_minority", "mirrored in autoheal", "mirrored in ignore"}
	with, without := slices.Concat(classics, mirrors, rest), slices.Concat(classics, rest)
	for version, want := range map[string][]string{"": with, "3.8.9": with, "3.10.8": with, "3.13.7": with, "4.0.1": without, "4.2.0": without} {
		if diff := cmp.Diff(want, listed(version)); diff != "" {
			t.Errorf("version %q (-want +got):\n%s", version, diff)
		}
		for _, m := range modes(version) {
			for _, p := range m.Promises {
				if strings.HasPrefix(version, "4") != strings.HasPrefix(p.Source.Version, "RabbitMQ 4") {
					t.Errorf("version %q: the promise of %s is by %s", version, m.Name, p.Source.Version)
				}
			}
		}
	}
}

func TestWhatModesPromise(t *testing.T) {
	for name, want := range map[string]semantics.Guarantee{
		"auto-ack": semantics.AtMostOnce, "classic-confirms": semantics.AtLeastOnce, "mirrored": semantics.AtLeastOnce, "quorum": semantics.AtLeastOnce,
		"quorum-ledger": semantics.ExactlyOnce, "unroutable": semantics.None, "mandatory": semantics.AtLeastOnce,
	} {
		m, ok := modeOf(name)
		if !ok || m.Promise(semantics.Applied).Guarantee != want || m.Promise(semantics.Stored).Guarantee != semantics.None {
			t.Errorf("%s: %v, %+v", name, ok, m.Promises)
		}
		outside := map[string][]string{
			"classic-confirms": {"kill-broker", "kill-leader", "kill-all", "isolate-broker", "isolate-leader", "pause-broker", "power-failure", "power-failure:of=one"},
			"mirrored":         {"kill-all", "isolate-broker", "isolate-leader", "pause-broker", "power-failure", "power-failure:of=one"},
		}[name]
		for _, fault := range []string{"kill-consumer", "cut-clients", "lose-confirms", "kill-broker", "kill-leader", "kill-all",
			"isolate-broker", "isolate-leader", "pause-broker", "power-failure", "power-failure:of=one"} {
			if covers := m.Promise(semantics.Applied).Covers(fault); covers == slices.Contains(outside, fault) {
				t.Errorf("%s promises under %s: %v", name, fault, covers)
			}
		}
	}
	if _, ok := modeOf("exactly-once"); ok {
		t.Error("there is a mode that is none")
	}
}

// A queue without failover has no leader that could move; a mode without confirmations or acknowledgements has nothing to lose.
func TestTraits(t *testing.T) {
	for _, m := range modes("") {
		if tr := m.Traits; !tr.Drainable || tr.Scannable || tr.Leader == (m.kind == classic) || tr.DedupEffect != (m.Name == "quorum-ledger") ||
			tr.Confirms == (m.Name == "auto-ack") || tr.Acks != tr.Confirms || tr.Confirms != m.persistent {
			t.Errorf("%s: %+v", m.Name, tr)
		}
	}
}
