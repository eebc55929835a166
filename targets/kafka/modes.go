package kafka

import "waybill/harness/semantics"

// mode is what a mode's name means in terms of the protocol.
type mode struct {
	semantics.Mode
	acks       acks
	idempotent bool // the producer has a session in which the broker stores a message once
}

// acks is how many replicas must have a message before the producer is told so.
type acks uint8

const (
	acksNone acks = iota
	acksLeader
	acksAll
)

const (
	profile  = "default"
	combined = "combined"
	fsync    = "fsync"
	// The quotations are the vendor's words without its markup: settings as the classes of 4.1.0 hold them, the design as
	// it stood at a commit.
	urlProducer = "https://github.com/apache/kafka/blob/4.1.0/clients/src/main/java/org/apache/kafka/clients/producer/ProducerConfig.java"
	urlTopic    = "https://github.com/apache/kafka/blob/4.1.0/clients/src/main/java/org/apache/kafka/common/config/TopicConfig.java"
	urlDesign   = "https://github.com/apache/kafka/blob/00015957edac3ec286b1eef420e5134d53a63af0/docs/design.html"
	documented  = "Apache Kafka 4.1"

	quoteAcks0 = "acks=0 If set to zero then the producer will not wait for any acknowledgment from the server at all. The record will be " +
		"immediately added to the socket buffer and considered sent. No guarantee can be made that the server has received the record in this case"
	quoteAcks1 = "acks=1 This will mean the leader will write the record to its local log but will respond without awaiting full acknowledgement " +
		"from all followers. In this case should the leader fail immediately after acknowledging the record but before the followers have " +
		"replicated it then the record will be lost."
	quoteAcksAll = "acks=all This means the leader will wait for the full set of in-sync replicas to acknowledge the record. This guarantees that " +
		"the record will not be lost as long as at least one in-sync replica remains alive. This is the strongest available guarantee."
	quoteFlush = "This setting allows specifying an interval at which we will force an fsync of data written to the log. For example if this was " +
		"set to 1 we would fsync after every message […] In the acks=all case, every in-sync replica must acknowledge a write for it to be " +
		"considered successful."
	quoteAlive = "Once a published message is committed, it will not be lost as long as one broker that replicates the partition to which this " +
		"message was written remains \"alive\"."
	quoteIdempotent = "When set to 'true', the producer will ensure that exactly one copy of each message is written in the stream."
	quoteOrder      = "Note that enabling idempotence requires max.in.flight.requests.per.connection to be less than or equal to 5 (with message " +
		"ordering preserved for any allowable value)"
	quoteBefore = "It can read the messages, then save its position in the log, and finally process the messages. […] This corresponds to " +
		"\"at-most-once\" semantics as in the case of a consumer failure messages may not be processed."
	quoteAfter = "It can read the messages, process the messages, and finally save its position. […] This corresponds to the \"at-least-once\" " +
		"semantics in the case of consumer failure."
	quoteAtMostOnce = "Otherwise, Kafka guarantees at-least-once delivery by default, and allows the user to implement at-most-once delivery by " +
		"disabling retries on the producer and committing offsets in the consumer prior to processing a batch of messages."
	quoteTransactions = "The consumer's position is stored as a message in an internal topic, so we can write the offset to Kafka in the same " +
		"transaction as the output topics receiving the processed data. If the transaction is aborted, the consumer's stored position will revert " +
		"to its old value and the produced data on the output topics will not be visible to other consumers, depending on their \"isolation level.\""
	quoteExternal = "In many cases messages have a primary key and so the updates are idempotent (receiving the same message twice just overwrites " +
		"a record with another copy of itself)."

	scopeSession = "one producer id and epoch: the retries of one producer process, within its session"
	scopeEOS     = "consume, transform, produce within one cluster: an output and the offset of its input, as seen by a reader of committed messages"
	scopeLedger  = "message id in the consumer's ledger, written in the same transaction as the effect; the ledger is the application's own: " +
		"what the vendor adds is that every stored message is delivered at least once"
)

// sparingLeaders are the faults that leave every leader of a partition alive and in contact with its followers: with
// acks=1 the vendor promises nothing beyond a leader's life.
func sparingLeaders() []string {
	return []string{
		"kill-consumer", "kill-producer", "pause-consumer", "cut-clients", "lose-confirms", "lose-acks",
		"drop-confirms", "drop-acks", "delay-acks", "hold-requests",
		"kill-leader:of=consumer", "kill-controller",
	}
}

// outages are the faults that leave no replica alive: by default nothing is synced to disk before it is acknowledged, so that what all
// replicas have only in memory is gone when all lose power. When one does, the others are alive, and it must catch up before it is in sync
// again. Committed offsets are in such a partition as well: they step back, and what was done once is done again.
func outages() []string { return []string{"power-failure:of=all"} }

func source(url, quote string) semantics.Source {
	return semantics.Source{Quote: quote, URL: url, Version: documented}
}

func promise(stage semantics.Stage, g semantics.Guarantee, s semantics.Source) semantics.Promise {
	return semantics.Promise{Stage: stage, Guarantee: g, Source: s}
}

// modes in the order they are listed: every rung of the guarantees, from the cheapest. Those that name no profile are in each that leaves
// syncing to the operating system.
func modes() []mode {
	const atMost, atLeast, exactly = semantics.AtMostOnce, semantics.AtLeastOnce, semantics.ExactlyOnce
	lives := func(p semantics.Promise) semantics.Promise {
		p.Except = outages()
		return p
	}
	once := lives(promise(semantics.Stored, exactly, source(urlProducer, quoteIdempotent+" […] "+quoteOrder+" […] "+quoteAcksAll)))
	once.Ordered, once.Scope = true, scopeSession
	delivered := lives(promise(semantics.Delivered, atLeast, source(urlDesign, quoteAlive+" […] "+quoteAfter)))
	applied := lives(promise(semantics.Applied, atLeast, source(urlDesign, quoteAlive+" […] "+quoteAfter)))

	while := func(p semantics.Promise) semantics.Promise {
		p.Faults = sparingLeaders()
		return p
	}
	effect := lives(promise(semantics.Applied, exactly, source(urlDesign, quoteAlive+" […] "+quoteAfter+" […] "+quoteExternal)))
	effect.Scope = scopeLedger
	output := lives(promise(semantics.Applied, exactly, source(urlDesign, quoteAlive+" […] "+quoteTransactions)))
	output.Scope, output.Atomic = scopeEOS, true

	// By default log.flush.interval.messages and .ms are as good as infinite, and the vendor advises to leave that so (urlTopic): what is
	// written gets to the disk when the operating system puts it there.
	traits := semantics.Traits{Confirms: true, Acks: true, ConfirmsAcks: true, Scannable: true, Leader: true, Exclusive: true, Sync: semantics.SyncedNever}
	flushed := traits
	flushed.Sync = semantics.SyncedBefore // quoteFlush
	silent := traits
	silent.Confirms, silent.AcksFirst = false, true
	session := traits
	session.Session = true
	early := session
	early.AcksFirst = true
	transactional := session
	transactional.Transactional = true
	ledger := session
	ledger.DedupEffect = true

	return []mode{{
		Mode: semantics.Mode{
			Name:    "acks-0",
			Summary: "written to the socket and forgotten, no retries; offsets committed before the messages are applied",
			Promises: []semantics.Promise{
				promise(semantics.Stored, atMost, source(urlProducer, quoteAcks0)),
				lives(promise(semantics.Applied, atMost, source(urlDesign, quoteAlive+" […] "+quoteAtMostOnce))),
			},
			Traits: silent,
		},
		acks: acksNone,
	}, {
		Mode: semantics.Mode{
			Name:    "acks-1",
			Summary: "acknowledged by the leader alone and retried while unknown; offsets committed after the messages are applied",
			Promises: []semantics.Promise{
				while(promise(semantics.Stored, atLeast, source(urlProducer, quoteAcks1))), while(delivered), while(applied),
			},
			Traits: traits,
		},
		acks: acksLeader,
	}, {
		Mode: semantics.Mode{
			Name:    "acks-all",
			Summary: "acknowledged by all replicas in sync and retried while unknown, without idempotence; offsets committed after",
			Promises: []semantics.Promise{
				lives(promise(semantics.Stored, atLeast, source(urlProducer, quoteAcksAll))), delivered, applied,
			},
			Traits: traits,
		},
		acks: acksAll,
	}, {
		Mode: semantics.Mode{
			Name:     "idempotent",
			Summary:  "as acks-all, retried by the library within its session, which stores a message once and in order; offsets committed after",
			Promises: []semantics.Promise{once, delivered, applied},
			Traits:   session,
		},
		acks: acksAll, idempotent: true,
	}, {
		Mode: semantics.Mode{
			Name:    "autocommit-early",
			Summary: "idempotent producer; offsets committed before the messages are applied",
			Promises: []semantics.Promise{
				once, lives(promise(semantics.Applied, atMost, source(urlDesign, quoteAlive+" […] "+quoteBefore))),
			},
			Traits: early,
		},
		acks: acksAll, idempotent: true,
	}, {
		Mode: semantics.Mode{
			Name:     "transactional",
			Summary:  "idempotent producer; outputs and offsets in one transaction of the consumer, read by a reader of committed messages",
			Promises: []semantics.Promise{once, delivered, output},
			Traits:   transactional,
		},
		acks: acksAll, idempotent: true,
	}, {
		Mode: semantics.Mode{
			Name:     "ledger",
			Summary:  "as idempotent, with an idempotent consumer: effect and message id in one transaction of its ledger",
			Promises: []semantics.Promise{once, delivered, effect},
			Traits:   ledger,
		},
		acks: acksAll, idempotent: true,
	}, {
		Mode: semantics.Mode{
			Name: "acks-all-fsync", Profile: fsync,
			Summary: "as acks-all, on brokers that sync every batch to disk before they acknowledge it, offsets and transactions included",
			Promises: []semantics.Promise{
				promise(semantics.Stored, atLeast, source(urlTopic, quoteFlush)),
				promise(semantics.Delivered, atLeast, source(urlDesign, quoteAfter)),
				promise(semantics.Applied, atLeast, source(urlDesign, quoteAfter)),
			},
			Traits: flushed,
		},
		acks: acksAll,
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
