package benchtest

import (
	"time"

	"waybill/harness/semantics"
	"waybill/results/bench"
)

// model is how a mode of the sample behaves.
type model struct {
	semantics.Mode
	rate float64       // messages a second when saturated
	base time.Duration // typical time to confirmation at little load
}

const outage, outageOfAll = "power-failure", "power-failure:of=all"

func source(url string) semantics.Source {
	return semantics.Source{Quote: "Made up for tests.", URL: url, Version: "1.0"}
}

// promised makes one promise for several stages.
func promised(g semantics.Guarantee, except []string, url string, stages ...semantics.Stage) (ps []semantics.Promise) {
	for _, s := range stages {
		ps = append(ps, semantics.Promise{Stage: s, Guarantee: g, Except: except, Source: source(url)})
	}
	return ps
}

func natsModels() []model {
	const url = "https://example.org/nats"
	streams := func(except ...string) []semantics.Promise {
		return promised(semantics.AtLeastOnce, except, url, semantics.Stored, semantics.Delivered, semantics.Applied)
	}
	acks := semantics.Traits{Confirms: true, Acks: true, Scannable: true, Leader: true}
	dedup := acks
	dedup.DedupStore, dedup.ConfirmsAcks = true, true
	deduplicated := streams(outage)
	deduplicated[0].Guarantee = semantics.ExactlyOnce
	acks.Sync, dedup.Sync = "every 2m0s", "every 2m0s"
	synced := acks
	synced.Sync = semantics.SyncedBefore
	return []model{
		{semantics.Mode{Name: "core", Profile: "default", Summary: "publish and forget",
			Promises: promised(semantics.AtMostOnce, nil, url, semantics.Delivered, semantics.Applied), Traits: semantics.Traits{Sync: semantics.SyncedNothing}}, 410_000, 180 * time.Microsecond},
		{semantics.Mode{Name: "jetstream", Profile: "default", Summary: "acknowledged by a quorum of three",
			Promises: streams(outage), Traits: acks}, 61_000, 700 * time.Microsecond},
		{semantics.Mode{Name: "jetstream-dedup", Profile: "default", Summary: "as jetstream, with message ids",
			Promises: deduplicated, Traits: dedup}, 48_000, 900 * time.Microsecond},
		{semantics.Mode{Name: "jetstream-sync", Profile: "sync", Summary: "as jetstream, synced before it is acknowledged",
			Promises: streams(), Traits: synced}, 2_900, 7 * time.Millisecond},
	}
}

func kafkaModels() []model {
	const url = "https://example.org/kafka"
	lasting := func(g semantics.Guarantee, except ...string) []semantics.Promise {
		return promised(g, except, url, semantics.Stored, semantics.Delivered, semantics.Applied)
	}
	acks := semantics.Traits{Confirms: true, Acks: true, ConfirmsAcks: true, Scannable: true, Leader: true, Exclusive: true, Sync: semantics.SyncedNever}
	silent := acks
	silent.Confirms, silent.AcksFirst = false, true
	session := acks
	session.Session = true
	transactional := session
	transactional.Transactional = true
	idempotent := lasting(semantics.AtLeastOnce, outageOfAll)
	idempotent[0].Guarantee = semantics.ExactlyOnce
	outputs := lasting(semantics.AtLeastOnce, outageOfAll)
	outputs[2].Guarantee, outputs[2].Atomic = semantics.ExactlyOnce, true
	return []model{
		{semantics.Mode{Name: "acks-0", Profile: "default", Summary: "no confirmation",
			Promises: promised(semantics.AtMostOnce, nil, url, semantics.Stored, semantics.Applied), Traits: silent}, 350_000, 900 * time.Microsecond},
		{semantics.Mode{Name: "acks-all", Profile: "default", Summary: "acknowledged by all replicas in sync",
			Promises: lasting(semantics.AtLeastOnce, outageOfAll), Traits: acks}, 142_000, 2100 * time.Microsecond},
		{semantics.Mode{Name: "idempotent", Profile: "default", Summary: "as acks-all, with an idempotent producer",
			Promises: idempotent, Traits: session}, 139_000, 2200 * time.Microsecond},
		{semantics.Mode{Name: "transactional", Profile: "default", Summary: "consume, transform and produce in transactions",
			Promises: outputs, Traits: transactional}, 31_000, 24 * time.Millisecond},
	}
}

func modesOf(ms []model) (out []semantics.Mode) {
	for _, m := range ms {
		out = append(out, m.Mode)
	}
	return out
}

func targets() []bench.Target {
	return []bench.Target{
		{Name: "nats", Title: "NATS JetStream", Version: "2.15.2", Nodes: 3, Modes: modesOf(natsModels()), Tool: "nats bench 0.3.0"},
		{Name: "kafka", Title: "Apache Kafka", Version: "4.1.2", Nodes: 3, Modes: modesOf(kafkaModels()), Tool: "kafka-producer-perf-test 4.1.2"},
	}
}
