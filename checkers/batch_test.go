package checkers_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waybill/checkers"
	"waybill/checkers/checkertest"
	"waybill/checkers/plant"
)

func TestManyReadingsFindWhatOneDoes(t *testing.T) {
	for _, p := range plant.All() {
		for _, o := range families() {
			o.Faults = []string{"lose-confirms", "kill-producer"}
			h := checkertest.Generate(11, o)
			for i, l := range h.Experiment.Lanes {
				if !p.Fits(l.Mode) {
					continue
				}
				out, ok := p.Apply(rand.New(rand.NewPCG(11, 5)), h.Events, uint32(i))
				if !ok {
					continue
				}
				in := h.Input()
				in.Source = out.Events
				one := audit(t, in)
				many, err := checkers.Audited(context.Background(), in, 1)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(one, many); d != "" {
					t.Fatalf("%s, lane %s (-one +many):\n%s", p.Name, l.Name, d)
				}
			}
		}
	}
}
