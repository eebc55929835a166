package nemesis

import (
	"math/rand/v2"
	"time"

	"waybill/harness/semantics"
	"waybill/nemesis/frames"
)

// What comes after an acknowledgement was lost.
const (
	thenKill    = "kill"
	thenCut     = "cut"
	thenNothing = "nothing"
)

func init() {
	Register(Fault{
		Name:    "drop-acks",
		Summary: "lose consumers' acknowledgements, or commits of offsets: what was applied is not known to be",
		Plan:    "consumers of each lane: {share} of their acknowledgements, then {then}",
		Params: append(ofFrames("0.25"), Param{Name: "then", Values: []string{thenKill, thenCut, thenNothing}, Tour: true,
			Meaning: "kill: the chosen one of one consumer of each lane and all its later ones, and then the consumer, so that nothing makes up for them; " +
				"cut: the connection of each chosen one; nothing: single ones, where the protocol does not count them"}),
		Frames: true,
		Length: func(t Timing, _ Args) time.Duration { return 2*t.Redelivery + time.Second },
		Here:   understood,
		Spares: sparesUnacknowledged,
		New: func(rng *rand.Rand, v View, args Args) (Action, error) {
			act, pick := frames.Mute, oneConsumer(rng)
			switch args["then"] {
			case thenCut:
				act, pick = frames.Cut, consumersOf
			case thenNothing:
				act, pick = frames.Drop, consumersOf
			}
			r, err := args.rule(frames.Ack, act)
			if err != nil {
				return nil, err
			}
			prey := choose(rng, v, sparesUnacknowledged, pick, r)
			return &filtering{v: v, prey: prey, trigger: holders(v, prey), what: "acknowledgements lost", kill: args["then"] == thenKill}, nil
		},
	})
}

// sparesUnacknowledged is true of the store, and of modes whose consumers say nothing.
func sparesUnacknowledged(m semantics.Mode, s semantics.Stage) string {
	if !m.Traits.Acks && !m.Traits.Transactional {
		return "its consumers do not acknowledge"
	}
	return sparesStore(m, s)
}

// holders waits until each consumer of the prey holds a delivery.
func holders(v View, chosen []prey) *stranded {
	vs := victims{v: v, ready: map[string]bool{}}
	for _, p := range chosen {
		for _, host := range p.hosts {
			vs.list = append(vs.list, victim{host, p.lane})
		}
	}
	return strand(vs)
}
