package semantics_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waybill/harness/semantics"
)

func TestNamesAreReadBackAsTheyWereWritten(t *testing.T) {
	type both struct {
		Stage     semantics.Stage
		Guarantee semantics.Guarantee
	}
	for s := semantics.Sent; s <= semantics.Applied; s++ {
		for g := semantics.None; g <= semantics.ExactlyOnce; g++ {
			want := both{s, g}
			text, err := json.Marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			var got both
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s (-want +got):\n%s", text, d)
			}
		}
	}
	var s semantics.Stage
	for _, wrong := range []string{"", "Stored", "exactly once"} {
		if err := s.UnmarshalText([]byte(wrong)); err == nil {
			t.Errorf("%q was taken for a stage", wrong)
		}
	}
}

func TestWhatAGuaranteeForbids(t *testing.T) {
	for g, want := range map[semantics.Guarantee][2]bool{
		semantics.None: {false, false}, semantics.AtMostOnce: {false, true}, semantics.AtLeastOnce: {true, false}, semantics.ExactlyOnce: {true, true},
	} {
		if got := [2]bool{g.ForbidsLoss(), g.ForbidsDuplicates()}; got != want {
			t.Errorf("%s forbids loss, duplicates: %v, want %v", g, got, want)
		}
	}
}

func TestAPromiseWithoutFaultsCoversAll(t *testing.T) {
	if !(semantics.Promise{}).Covers("kill-all") {
		t.Error("a promise that names no fault does not cover one")
	}
	p := semantics.Promise{Faults: []string{"kill-broker"}}
	if !p.Covers("kill-broker") || p.Covers("kill-all") {
		t.Error("a promise covers other faults than those it names")
	}
}

func TestAPromiseLeavesOutWhatItSays(t *testing.T) {
	for _, c := range []struct {
		except, fault string
		covers        bool
	}{
		{"power-failure", "power-failure", false},
		{"power-failure", "power-failure:of=one", false},
		{"power-failure", "power-failure:of=one:model=torn", false},
		{"power-failure", "kill-all", true},
		{"power-failure", "power", true},
		{"power-failure:of=all", "power-failure", false}, // of all is what it is by default
		{"power-failure:of=all", "power-failure:of=all", false},
		{"power-failure:of=all", "power-failure:model=torn", false},
		{"power-failure:of=all", "power-failure:model=torn:of=all", false},
		{"power-failure:of=all", "power-failure:of=one", true},
		{"power-failure:of=all", "power-failure:model=torn:of=one", true},
		{"power-failure:of=all", "kill-leader:of=one", true},
	} {
		if got := (semantics.Promise{Except: []string{"lose-acks", c.except}}).Covers(c.fault); got != c.covers {
			t.Errorf("with the exception of %s, %s is covered: %v", c.except, c.fault, got)
		}
		if (semantics.Promise{Except: []string{c.except}, Faults: []string{c.fault}}).Covers(c.fault) != c.covers {
			t.Errorf("with the exception of %s, %s is covered since it is named", c.except, c.fault)
		}
	}
}

func TestAModeThatClaimsNothingPromisesNone(t *testing.T) {
	if p := (semantics.Mode{}).Promise(semantics.Applied); p.Guarantee != semantics.None || p.Stage != semantics.Applied {
		t.Errorf("%+v", p)
	}
}
