package experiment

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPlantsAreTypedAsNameAndRate(t *testing.T) {
	for _, c := range []struct {
		claim string
		args  []string
		want  map[string]float64
		err   string
	}{
		{"one", []string{"lose-acked=1e-5"}, map[string]float64{"lose-acked": 1e-5}, ""},
		{"several", []string{"tear=0.5", "leak=1"}, map[string]float64{"tear": 0.5, "leak": 1}, ""},
		{"no rate", []string{"tear"}, nil, `plant "tear": want NAME=RATE`},
		{"no name", []string{"=1"}, nil, `want NAME=RATE`},
		{"no number", []string{"tear=often"}, nil, `plant "tear=often": want NAME=RATE`},
		{"twice", []string{"tear=1", "tear=0.5"}, nil, "tear is given twice"},
	} {
		got, err := ParsePlants(c.args)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v, want %q", c.claim, err, c.err)
			}
			continue
		}
		if err != nil || !cmp.Equal(got, c.want) {
			t.Errorf("%s: %v, %v, want %v", c.claim, got, err, c.want)
		}
	}
}

func TestWhatCannotBePlantedIsRefused(t *testing.T) {
	broker := Product{Name: "planted", Plants: []string{"tear", "leak"}}
	for _, c := range []struct {
		claim  string
		p      Product
		plants map[string]float64
		err    string
	}{
		{"nothing in a product", Product{Name: "kafka"}, nil, ""},
		{"a bug in a product", Product{Name: "kafka"}, map[string]float64{"tear": 1}, "target kafka is a product"},
		{"a bug that there is", broker, map[string]float64{"tear": 1e-6}, ""},
		{"a bug that there is not", broker, map[string]float64{"rip": 1}, `no plant "rip": want one of tear, leak`},
		{"never", broker, map[string]float64{"tear": 0}, "plant.tear is 0: want"},
		{"too seldom", broker, map[string]float64{"tear": 1e-7}, "want a share of messages from 1e-06 to 1"},
		{"more than always", broker, map[string]float64{"tear": 2}, "plant.tear is 2"},
	} {
		err := checkPlants(c.plants, c.p)
		if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: %v, want %q", c.claim, err, c.err)
		}
	}
}

func TestAPlantOfAnExperimentFile(t *testing.T) {
	s, err := ReadSpec(write(t, "x.yaml", "target: planted\nplant:\n  lose-acked: 1e-5\n  tear: 0.25\n"))
	if want := map[string]float64{"lose-acked": 1e-5, "tear": 0.25}; err != nil || !cmp.Equal(s.Plant, want) {
		t.Errorf("%v, %v, want %v", s.Plant, err, want)
	}
	for claim, c := range map[string][2]string{
		"a word for a rate": {"plant:\n  tear: often\n", "[2:9]"},
		"a list":            {"plant: [tear]\n", "[1:8]"},
	} {
		if _, err := ReadSpec(write(t, "x.yaml", c[0])); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: %v, want the place %s", claim, err, c[1])
		}
	}
}

func TestABugIsNotedWhereAReaderOfTheRunSeesIt(t *testing.T) {
	s := DefaultSpec()
	s.Plant = map[string]float64{"tear": 0.01}
	p := shop()
	p.Plants = []string{"tear"}
	es, err := Resolve(s, p, names())
	if err != nil {
		t.Fatal(err)
	}
	if es[0].Plant["tear"] != 0.01 || es[0].Settings["planted tear"] != "0.01 of messages" {
		t.Errorf("%v, %v", es[0].Plant, es[0].Settings)
	}
}
