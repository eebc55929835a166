package cli

import (
	"testing"

	"waybill/harness/lab"
	"waybill/nemesis"
)

func TestDoctorKnowsWhatEachFaultNeeds(t *testing.T) {
	steps := lab.Probe(t.Context())
	for _, fault := range nemesis.Names() {
		t.Run(fault, func(t *testing.T) {
			refused := append([]lab.Step(nil), steps...)
			for i := range refused {
				refused[i].Can = false
			}
			if len(lacking(refused, fault)) == 0 {
				t.Errorf("no step of the probe says that %s needs it: it would count as permitted on any machine", fault)
			}
			for i := range refused {
				refused[i].Can = true
			}
			if missing := lacking(refused, fault); len(missing) != 0 {
				t.Errorf("where every step can be done, %s lacks %v", fault, missing)
			}
		})
	}
}
