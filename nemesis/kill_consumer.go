package nemesis

import (
	"math/rand/v2"
	"time"

	"waybill/harness/semantics"
)

func init() {
	Register(Fault{
		Name:    "kill-consumer",
		Summary: "SIGKILL one member of each consumer group while it holds unacknowledged messages",
		Plan:    "one consumer of each lane, while it holds one delivery applied and not acknowledged, and at least 4 not yet applied",
		Tour:    true,
		Length:  func(t Timing) time.Duration { return t.Redelivery + time.Second },
		Spares:  sparesStore,
		New: func(rng *rand.Rand, v View, _ Args) (Action, error) {
			t := onePerLane(rng, v)
			return &kill{v: v, hosts: t.hosts(), trigger: t}, nil
		},
	})
}

// sparesStore is true of faults that touch consumers alone.
func sparesStore(_ semantics.Mode, s semantics.Stage) string {
	if s == semantics.Stored {
		return "consumers cannot touch the store"
	}
	return ""
}

// sparesNothing is true of faults that touch brokers, or what all clients share.
func sparesNothing(semantics.Mode, semantics.Stage) string { return "" }

// onePerLane picks a consumer of each lane.
func onePerLane(rng *rand.Rand, v View) *holding {
	h := &holding{v: v, least: 4}
	for _, l := range v.Lanes {
		h.victims = append(h.victims, victim{l.Consumers[rng.IntN(len(l.Consumers))], l})
	}
	return h
}

func (h *holding) hosts() (hosts []string) {
	for _, x := range h.victims {
		hosts = append(hosts, x.host)
	}
	return hosts
}
