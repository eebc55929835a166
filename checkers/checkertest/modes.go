// Package checkertest makes histories as a run would record them, from a seed: several lanes, faults, retries, unknown outcomes,
// redeliveries, killed and paused lives, checkpoints. They are clean by construction: no promise is broken in them, and every
// fault bites enough for every cell to be kept. It models no broker in particular and decides no verdict.
package checkertest

import (
	"time"

	"waybill/harness/experiment"
	"waybill/harness/semantics"
)

// ackWait is that of the modes whose broker delivers again by time: longer than two clocks may differ by.
const ackWait = 3 * time.Millisecond

// Modes are the four of the first target, with the promises that matter to an audit.
func Modes() []semantics.Mode {
	return []semantics.Mode{
		{Name: "core", Promises: []semantics.Promise{
			{Stage: semantics.Delivered, Guarantee: semantics.AtMostOnce}, {Stage: semantics.Applied, Guarantee: semantics.AtMostOnce},
		}},
		{Name: "jetstream", Promises: []semantics.Promise{
			{Stage: semantics.Stored, Guarantee: semantics.AtLeastOnce, Linearizable: true}, {Stage: semantics.Applied, Guarantee: semantics.AtLeastOnce},
		}, Traits: semantics.Traits{Confirms: true, Acks: true, Scannable: true, Leader: true, AckWait: ackWait}},
		{Name: "jetstream-dedup", Promises: []semantics.Promise{
			{Stage: semantics.Stored, Guarantee: semantics.ExactlyOnce, Ordered: true}, {Stage: semantics.Applied, Guarantee: semantics.AtLeastOnce},
		}, Traits: semantics.Traits{Confirms: true, Acks: true, ConfirmsAcks: true, Scannable: true, Leader: true, AckWait: ackWait, DedupStore: true}},
		{Name: "jetstream-ledger", Promises: []semantics.Promise{
			{Stage: semantics.Stored, Guarantee: semantics.ExactlyOnce, Ordered: true}, {Stage: semantics.Applied, Guarantee: semantics.ExactlyOnce},
		}, Traits: semantics.Traits{Confirms: true, Acks: true, ConfirmsAcks: true, Scannable: true, Leader: true, AckWait: ackWait, DedupStore: true, DedupEffect: true}},
	}
}

// LogModes are those of a partitioned log: a producer's library that retries within its session, offsets committed before or after
// applying, and transactions.
func LogModes() []semantics.Mode {
	log := semantics.Traits{Confirms: true, Acks: true, ConfirmsAcks: true, Scannable: true, Leader: true, Exclusive: true}
	plain, session, early, txn := log, log, log, log
	session.Session, early.Session, txn.Session = true, true, true
	early.AcksFirst = true
	txn.Transactional = true
	return []semantics.Mode{
		{Name: "acks-all", Traits: plain, Promises: []semantics.Promise{
			{Stage: semantics.Stored, Guarantee: semantics.AtLeastOnce}, {Stage: semantics.Applied, Guarantee: semantics.AtLeastOnce},
		}},
		{Name: "idempotent", Traits: session, Promises: []semantics.Promise{
			{Stage: semantics.Stored, Guarantee: semantics.ExactlyOnce, Ordered: true}, {Stage: semantics.Applied, Guarantee: semantics.AtLeastOnce},
		}},
		{Name: "autocommit-early", Traits: early, Promises: []semantics.Promise{
			{Stage: semantics.Stored, Guarantee: semantics.ExactlyOnce}, {Stage: semantics.Applied, Guarantee: semantics.AtMostOnce},
		}},
		{Name: "transactional", Traits: txn, Promises: []semantics.Promise{
			{Stage: semantics.Stored, Guarantee: semantics.ExactlyOnce}, {Stage: semantics.Applied, Guarantee: semantics.ExactlyOnce, Atomic: true},
		}},
	}
}

// QueueModes are those of queues that cannot be read without consuming, and can be proven empty.
func QueueModes() []semantics.Mode {
	queue := semantics.Traits{Confirms: true, Acks: true, Drainable: true, Leader: true, Consumes: true}
	ledger := queue
	ledger.DedupEffect = true
	single := queue
	single.Exclusive = true
	return []semantics.Mode{
		{Name: "quorum", Traits: queue, Promises: []semantics.Promise{{Stage: semantics.Applied, Guarantee: semantics.AtLeastOnce}}},
		{Name: "quorum-ledger", Traits: ledger, Promises: []semantics.Promise{{Stage: semantics.Applied, Guarantee: semantics.ExactlyOnce}}},
		{Name: "single-active", Traits: single, Promises: []semantics.Promise{
			{Stage: semantics.Delivered, Guarantee: semantics.AtLeastOnce, Ordered: true}, {Stage: semantics.Applied, Guarantee: semantics.AtLeastOnce},
		}},
		{Name: Unroutable, Traits: queue, Promises: []semantics.Promise{{Stage: semantics.Applied, Guarantee: semantics.None}}},
	}
}

// Unroutable is the mode whose messages are confirmed and go nowhere.
const Unroutable = "unroutable"

// Faults are those that the generator can play.
func Faults() []string {
	return []string{"kill-consumer", "pause-consumer", "kill-producer", "kill-leader", "isolate-leader", "lose-confirms", "cut-clients"}
}

// newExperiment is an experiment with a lane a mode.
func newExperiment(modes []semantics.Mode) experiment.Experiment {
	x := experiment.Experiment{Run: "testtest", Target: "model", Profile: "model", Nodes: 3,
		Limits: experiment.Limits{Heal: 30 * time.Second, Drain: 30 * time.Second}}
	for _, m := range modes {
		x.Lanes = append(x.Lanes, experiment.Lane{Name: m.Name, Queue: "q-" + m.Name, Mode: m, Producers: 2, Consumers: 2})
	}
	return x
}

func newSchedule(faults []string, x experiment.Experiment) experiment.Schedule {
	var s experiment.Schedule
	for i, f := range faults {
		ep := experiment.Episode{Number: i + 1, Fault: f, Spared: map[string]string{}}
		for _, l := range x.Lanes {
			if f == "kill-producer" && l.Mode.Traits.Acks {
				ep.Spared[experiment.SparedKey(l.Name, semantics.Applied)] = "a producer's death does not touch consumers"
			}
			if f == "kill-consumer" || f == "pause-consumer" {
				ep.Spared[experiment.SparedKey(l.Name, semantics.Stored)] = "a consumer does not touch what is stored"
			}
		}
		s.Episodes = append(s.Episodes, ep)
	}
	return s
}
