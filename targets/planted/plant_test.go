package planted

import (
	"math"
	"slices"
	"testing"

	"waybill/harness/semantics"
	"waybill/targets"
)

func TestABugHarmsAsManyAsItsRateSays(t *testing.T) {
	for _, rate := range []float64{1, 0.5, 0.01, 1e-4, 1e-6} {
		p, err := newPlants(map[string]float64{tear: rate}, 3, nil)
		if err != nil {
			t.Fatal(err)
		}
		n := int(min(2e6, 1000/rate))
		hit := 0
		for i := range n {
			if p.hits(tear, message{uint32(1 + i%3), uint64(i)}) {
				hit++
			}
		}
		want := rate * float64(n)
		if off := math.Abs(float64(hit) - want); off > 5*math.Sqrt(want)+1 || rate == 1 && hit != n {
			t.Errorf("at a rate of %v %d of %d messages are harmed, want about %.0f", rate, hit, n, want)
		}
	}
}

func TestWhichMessagesAreHarmedFollowsTheSeedAndTheBug(t *testing.T) {
	harmedBy := func(bug string, seed uint64) (out []int) {
		p, err := newPlants(map[string]float64{bug: 0.1}, seed, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 1000 {
			if p.hits(bug, message{1, uint64(i)}) {
				out = append(out, i)
			}
		}
		return out
	}
	if !slices.Equal(harmedBy(tear, 1), harmedBy(tear, 1)) {
		t.Error("the same seed harms other messages")
	}
	if slices.Equal(harmedBy(tear, 1), harmedBy(tear, 2)) {
		t.Error("another seed harms the same messages")
	}
	if slices.Equal(harmedBy(tear, 1), harmedBy(leak, 1)) {
		t.Error("two bugs harm the same messages")
	}
	p, err := newPlants(map[string]float64{tear: 1}, 1, nil)
	if err != nil || p.hits(leak, message{1, 1}) || p.hits(tear, message{}) {
		t.Errorf("a bug that was not planted strikes, or one strikes what has no number: %v", err)
	}
	if _, err := newPlants(map[string]float64{"rip": 1}, 1, nil); err == nil {
		t.Error("a bug was planted that there is not")
	}
}

func TestABugNamesModesAndAnomalies(t *testing.T) {
	var names []string
	for _, b := range bugs() {
		if slices.Contains(names, b.Name) {
			t.Errorf("%s is listed twice", b.Name)
		}
		names = append(names, b.Name)
		if b.Summary == "" || b.Fault == "" || len(b.Anomalies) == 0 || len(b.Modes) == 0 {
			t.Errorf("a part is missing of %+v", b)
		}
		for _, m := range b.Modes {
			if !slices.ContainsFunc(modes(), func(x semantics.Mode) bool { return x.Name == m }) {
				t.Errorf("%s shows in the mode %q, which there is not", b.Name, m)
			}
		}
	}
	if _, ok := any(target{}).(targets.Planter); !ok {
		t.Error("the target does not say what can be planted")
	}
}
