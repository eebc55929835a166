package rabbitmq

import (
	"slices"

	"waybill/harness/semantics"
)

// mode is what a mode's name means in terms of the protocol.
type mode struct {
	semantics.Mode
	kind       kind
	persistent bool // messages are written to disk
	mandatory  bool // what no queue takes is returned
	astray     bool // a share of messages gets a routing key that reaches no queue
}

// inMemory is when transient messages are synced: they may be paged out to disk, and are not read back from it after a restart.
const inMemory = "never (in memory)"

// share: of so many keys, the messages of the last one go astray, in the modes about that.
const share = 4

const (
	scopeLedger = "message id in the consumer's ledger, written in the same transaction as the effect; the ledger is the application's own: " +
		"what the vendor adds is that every confirmed message is delivered at least once"
	scopeOnce = "none: there is one copy of what is published, and it is delivered once or never"
)

// clients are the faults of clients and of their network, which leave every broker alone.
//
// A classic queue promises nothing beyond them: while its node is down, or is believed to be, the queue is no longer routed to from
// the other nodes, and what is published there is confirmed as unroutable, which is documented.
func clients() []string {
	return []string{"kill-consumer", "kill-producer", "pause-consumer", "cut-clients", "lose-confirms", "lose-acks",
		"drop-confirms", "drop-acks", "delay-acks", "hold-requests"}
}

// endings are the faults that mirrored queues are made for: the end of a broker, besides those of clients. A partition
// between brokers, which a broker that is paused long enough makes as well, leaves a leader on each side or an
// unsynchronised mirror, and then one side's messages are discarded; that is documented. Where all brokers end, those that are back
// before the leader's do not route to the queue yet, and confirm what is published as unroutable.
func endings() []string { return append(clients(), "kill-broker", "kill-leader") }

// modes of a version in the order they are listed; "" is the default version.
//
// Nothing is promised about the store, which nobody can look into, and no order: members of a group share the queue, and
// what is given back returns to its end.
func modes(version string) []mode {
	d := pagesOf(version)
	promise := func(s semantics.Stage, g semantics.Guarantee, src semantics.Source) semantics.Promise {
		return semantics.Promise{Stage: s, Guarantee: g, Source: src}
	}
	both := func(g semantics.Guarantee, src semantics.Source) []semantics.Promise {
		return []semantics.Promise{promise(semantics.Delivered, g, src), promise(semantics.Applied, g, src)}
	}
	confirmed := semantics.Traits{Confirms: true, Acks: true, Drainable: true, Sync: d.syncs}
	mirroring := confirmed
	mirroring.Leader = true
	replicated := mirroring
	replicated.Sync = semantics.SyncedBefore // "quorum queues persist all data to disks before doing anything": quorum
	ledger := replicated
	ledger.DedupEffect = true
	astray := replicated
	astray.Astray = true

	once := promise(semantics.Applied, semantics.ExactlyOnce, d.quorum())
	once.Scope = scopeLedger
	single := both(semantics.AtMostOnce, d.atMostOnce())
	for i := range single {
		single[i].Scope = scopeOnce
	}
	alone := both(semantics.AtLeastOnce, d.persisted())
	for i := range alone {
		alone[i].Faults = clients()
	}
	mirrors := both(semantics.AtLeastOnce, d.mirrored())
	for i := range mirrors {
		mirrors[i].Faults = endings()
	}

	all := []mode{{
		Mode: semantics.Mode{
			Name: "auto-ack", Profile: pauseMinority, Promises: single, Traits: semantics.Traits{Drainable: true, Sync: inMemory},
			Summary: "classic queue on one node; transient messages without confirms; deliveries count as acknowledged when they are sent",
		},
		kind: classic,
	}, {
		Mode: semantics.Mode{
			Name: "classic-confirms", Profile: pauseMinority, Promises: alone, Traits: confirmed,
			Summary: "durable classic queue on one node; persistent messages, confirmed and retried while unknown; acknowledged after applying",
		},
		kind: classic, persistent: true,
	}}
	if d.mirrors {
		for _, p := range []string{pauseMinority, autoheal, ignore} {
			all = append(all, mode{
				Mode: semantics.Mode{
					Name: "mirrored", Profile: p, Promises: mirrors, Traits: mirroring,
					Summary: "as classic-confirms, with a mirror of the queue on every node (removed in 4.0)",
				},
				kind: mirrored, persistent: true,
			})
		}
	}
	for _, p := range []string{pauseMinority, autoheal, ignore} {
		all = append(all, mode{
			Mode: semantics.Mode{
				Name: "quorum", Profile: p, Promises: both(semantics.AtLeastOnce, d.quorum()), Traits: replicated,
				Summary: "quorum queue of three replicas; messages confirmed by a majority and retried while unknown; acknowledged after applying",
			},
			kind: quorum, persistent: true,
		})
	}
	return append(all, mode{
		Mode: semantics.Mode{
			Name: "quorum-ledger", Profile: pauseMinority, Traits: ledger,
			Promises: []semantics.Promise{promise(semantics.Delivered, semantics.AtLeastOnce, d.quorum()), once},
			Summary:  "as quorum, with an idempotent consumer: effect and message id in one transaction of its ledger",
		},
		kind: quorum, persistent: true,
	}, mode{
		Mode: semantics.Mode{
			Name: "unroutable", Profile: pauseMinority, Promises: both(semantics.None, d.unroutable()), Traits: astray,
			Summary: "as quorum, but the messages of a quarter of the keys reach no queue, and are confirmed all the same",
		},
		kind: quorum, persistent: true, astray: true,
	}, mode{
		Mode: semantics.Mode{
			Name: "mandatory", Profile: pauseMinority, Promises: both(semantics.AtLeastOnce, d.mandatory()), Traits: astray,
			Summary: "as unroutable, published as mandatory: what reaches no queue is returned before it is confirmed, which counts as rejected",
		},
		kind: quorum, persistent: true, astray: true, mandatory: true,
	})
}

// modeOf finds a mode by name, of whatever version. In which profile makes no difference to clients.
func modeOf(name string) (mode, bool) {
	for _, m := range modes(defaultVersion) {
		if m.Name == name {
			return m, true
		}
	}
	return mode{}, false
}

func modeNames() []string {
	var names []string
	for _, m := range modes(defaultVersion) {
		if !slices.Contains(names, m.Name) {
			names = append(names, m.Name)
		}
	}
	return names
}
