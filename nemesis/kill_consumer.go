package nemesis

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"waybill/harness/semantics"
)

func init() {
	Register(Fault{
		Name:    "kill-consumer",
		Summary: "SIGKILL one member of each consumer group while it holds unacknowledged messages",
		Plan:    "one consumer of each lane (times: {times}), each while it holds one delivery applied and not acknowledged, and at least 4 not yet applied",
		Params:  []Param{{Name: "times", Values: []string{"1", "10", "100"}, Meaning: "how often in a row, each time as soon as it holds deliveries again"}},
		Tour:    true,
		Length:  func(t Timing, _ Args) time.Duration { return t.Redelivery + time.Second },
		Again: func(args Args) time.Duration {
			times, _ := strconv.Atoi(args["times"]) // one of Params' values
			return time.Duration(times-1) * perKill
		},
		Spares: sparesStore,
		New: func(rng *rand.Rand, v View, args Args) (Action, error) {
			times, err := strconv.Atoi(args["times"])
			if err != nil {
				return nil, fmt.Errorf("nemesis: kill-consumer: times: %w", err)
			}
			t := &holding{onePerLane(rng, v)}
			return &kill{v: v, hosts: t.hosts(), trigger: t, times: times}, nil
		},
	})
}

// perKill is about how long it takes until a consumer that was killed holds deliveries again: with NATS, 100 kills took a minute and a half.
const perKill = time.Second

// sparesStore is true of faults that touch consumers alone.
func sparesStore(_ semantics.Mode, s semantics.Stage) string {
	if s == semantics.Stored {
		return "consumers cannot touch the store"
	}
	return ""
}

// sparesNothing is true of faults that touch brokers, or what all clients share.
func sparesNothing(semantics.Mode, semantics.Stage) string { return "" }
