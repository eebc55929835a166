package nats

import (
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"waybill/harness/semantics"
)

// mode is what a mode's name means in terms of the protocol.
type mode struct {
	semantics.Mode
	stream       bool          // JetStream, else core
	identified   bool          // attempts carry Nats-Msg-Id
	confirmsAcks bool          // acknowledgements are acknowledged
	window       time.Duration // for which a stream knows ids again
}

const (
	profile       = "default"
	syncProfile   = "sync"
	windowProfile = "short-window"
	// The quotations are from the vendor's documentation as it stood at these commits, without its markup.
	docs         = "https://github.com/nats-io/nats.docs/blob/"
	urlJetStream = docs + "2e8a22a8ed1083f0d5e6175aa76ff44c8553ae22/nats-concepts/jetstream/README.md"
	urlQoS       = docs + "b64da0e575bfa2c48ed2ddad0fa63603d3f69601/nats-concepts/what-is-nats/README.md"
	documented   = "nats-server " + server.VERSION

	quoteAtMostOnce = "Core NATS offers an at most once quality of service. If a subscriber is not listening on the subject (no subject match), " +
		"or is not active when the message is sent, the message is not received."
	quoteAtLeastOnce = "Because publications to streams using the JetStream publish calls are acknowledged by the server the base quality of service " +
		"offered by streams is 'at least once', meaning that while reliable and normally duplicate free there are some specific failure scenarios " +
		"that could result in a publishing application believing (wrongly) that a message was not published successfully and therefore publishing " +
		"it again, and there are failure scenarios that could result in a client application's consumption acknowledgment getting lost and " +
		"therefore in the message being re-sent to the consumer by the server."
	quoteReplicated = "In a replicated setup, a published message is acknowledged after it successfully replicated to at least a quorum of servers."
	quoteOrder      = "For writes (publications to a stream), the formal consistency model of NATS JetStream is Linearizable."
	quoteUnsynced   = "If multiple servers fail simultaneously, all due to an OS failure, and before their data has been fsync-ed, the cluster may " +
		"fail to recover the most recently acknowledged messages. If a failed server lost data locally due to an OS failure, although extremely " +
		"rare, there are some combinations of events where it may rejoin the cluster and form a new majority with nodes that have never received " +
		"or persisted a given message."
	quoteSynced = "Additionally, setting sync_interval: always will make sure servers fsync after every message before it is acknowledged. This " +
		"setting, combined with replication in different data centers or availability zones, provides the strongest durability guarantees but at " +
		"the slowest performance."
	quoteExactly = "For the publishing side, it relies on the publishing application attaching a unique message or publication ID in a message " +
		"header and on the server keeping track of those IDs for a configurable rolling period of time in order to detect the publisher publishing " +
		"the same message twice."

	scopeWindow = "the same Nats-Msg-Id within the duplicate window of 60 s, on the broker's clock, in a stream with limits retention"
	scopeLedger = "message id in the consumer's ledger, written in the same transaction as the effect; the ledger is the application's own: " +
		"what the vendor adds is that every stored message is delivered at least once"
)

// outages are the faults that the default of two minutes between syncs leaves out of every promise: the loss of power of all nodes, and
// of one, which may come back with less than it had acknowledged and make a majority with another that never had it.
func outages() []string { return []string{"power-failure"} }

func source(url, quote string) semantics.Source {
	return semantics.Source{Quote: quote, URL: url, Version: documented}
}

// modes in the order they are listed. Each power of two of guarantees costs something: that is what a benchmark shows.
//
// Delivered is promised for core alone, where it is the same as applied, and for streams at least once. The order of
// deliveries is promised nowhere, since a group's members share them; core's order per publisher is left out, because
// without positions the audit cannot see it.
func modes() []mode {
	stored := func(g semantics.Guarantee, scope, quote string) semantics.Promise {
		return semantics.Promise{Stage: semantics.Stored, Guarantee: g, Ordered: true, Linearizable: true, Scope: scope, Source: source(urlJetStream, quote+" […] "+quoteOrder)}
	}
	unsynced := func(p semantics.Promise) semantics.Promise {
		p.Except, p.Source.Quote = outages(), p.Source.Quote+" […] "+quoteUnsynced
		return p
	}
	synced := func(p semantics.Promise) semantics.Promise {
		p.Source.Quote += " […] " + quoteSynced
		return p
	}
	surely := semantics.Promise{Stage: semantics.Applied, Guarantee: semantics.AtLeastOnce, Source: source(urlJetStream, quoteAtLeastOnce)}
	sent := surely
	sent.Stage = semantics.Delivered
	delivered, applied := unsynced(sent), unsynced(surely)
	once := applied
	once.Guarantee, once.Scope = semantics.ExactlyOnce, scopeLedger

	// The vendor's page about JetStream says both: quoteUnsynced of the server's default sync_interval, quoteSynced of always.
	traits := semantics.Traits{Confirms: true, Acks: true, Scannable: true, Leader: true, AckWait: ackWait, Sync: "every " + strings.TrimSuffix(defaultSync, "0s")}
	always := traits
	always.Sync = semantics.SyncedBefore
	dedup := traits
	dedup.ConfirmsAcks, dedup.DedupStore = true, true
	ledger := dedup
	ledger.DedupEffect = true
	late := dedup
	late.DedupStore = false // of the retries that matter here none is within the window

	return []mode{{
		Mode: semantics.Mode{
			Name: "core", Profile: profile,
			Summary: "publish and forget; a queue group of subscribers; nothing stored, confirmed or acknowledged",
			Promises: []semantics.Promise{
				{Stage: semantics.Delivered, Guarantee: semantics.AtMostOnce, Source: source(urlQoS, quoteAtMostOnce)},
				{Stage: semantics.Applied, Guarantee: semantics.AtMostOnce, Source: source(urlQoS, quoteAtMostOnce)},
			},
			Traits: semantics.Traits{Sync: semantics.SyncedNothing},
		},
	}, {
		Mode: semantics.Mode{
			Name: "jetstream", Profile: profile,
			Summary:  "publish acknowledged by a quorum of three and retried while unknown; a durable pull consumer acknowledges after applying",
			Promises: []semantics.Promise{unsynced(stored(semantics.AtLeastOnce, "", quoteReplicated)), delivered, applied},
			Traits:   traits,
		},
		stream: true, window: duplicateWindow,
	}, {
		Mode: semantics.Mode{
			Name: "jetstream-dedup", Profile: profile,
			Summary:  "as jetstream, with a message id by which the stream refuses another copy, and acknowledgements that are acknowledged",
			Promises: []semantics.Promise{unsynced(stored(semantics.ExactlyOnce, scopeWindow, quoteExactly)), delivered, applied},
			Traits:   dedup,
		},
		stream: true, identified: true, confirmsAcks: true, window: duplicateWindow,
	}, {
		Mode: semantics.Mode{
			Name: "jetstream-ledger", Profile: profile,
			Summary:  "as jetstream-dedup, with an idempotent consumer: effect and message id in one transaction of its ledger",
			Promises: []semantics.Promise{unsynced(stored(semantics.ExactlyOnce, scopeWindow, quoteExactly)), delivered, once},
			Traits:   ledger,
		},
		stream: true, identified: true, confirmsAcks: true, window: duplicateWindow,
	}, {
		Mode: semantics.Mode{
			Name: "jetstream-sync", Profile: syncProfile,
			Summary:  "as jetstream, on servers that sync every message to disk before they acknowledge it",
			Promises: []semantics.Promise{synced(stored(semantics.AtLeastOnce, "", quoteReplicated)), synced(sent), synced(surely)},
			Traits:   always,
		},
		stream: true, window: duplicateWindow,
	}, {
		Mode: semantics.Mode{
			Name: "jetstream-dedup-2s", Profile: windowProfile,
			Summary: "as jetstream-dedup, in a stream that forgets ids after 2 s: a retry after a lost confirmation comes later, and is " +
				"another copy, which no promise forbids",
			Promises: []semantics.Promise{unsynced(stored(semantics.AtLeastOnce, "", quoteReplicated)), delivered, applied},
			Traits:   late,
		},
		stream: true, identified: true, confirmsAcks: true, window: shortWindow,
	}}
}

func modeOf(name string) (mode, bool) {
	for _, m := range modes() {
		if m.Name == name {
			return m, true
		}
	}
	return mode{}, false
}

func modeNames() []string {
	var names []string
	for _, m := range modes() {
		names = append(names, m.Name)
	}
	return names
}
