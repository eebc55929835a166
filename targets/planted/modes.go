package planted

import (
	"waybill/harness/semantics"
)

const (
	profile          = "default"
	modeAtLeastOnce  = "at-least-once"
	modeDedup        = "dedup"
	modeLedger       = "ledger"
	modeTransactions = "transactions"
)

// deduplicates reports whether a mode's queue refuses a message that it has.
func deduplicates(mode string) bool { return mode != modeAtLeastOnce }

// said is the source of the promises: they are the package's own.
func said(quote string) semantics.Source {
	return semantics.Source{Quote: quote, URL: "targets/planted/README.md", Version: "of this repository"}
}

const (
	quoteStored  = "Without a plant, a message is acknowledged when two of three nodes have synced it to disk, and is never lost or moved afterwards."
	quoteOnce    = "Without a plant, a message of a producer's life is stored once, however often it is sent."
	quoteApplied = "Without a plant, what is stored is delivered until its acknowledgement is confirmed."
	quoteNoMore  = "Without a plant, what was acknowledged, the acknowledgement confirmed, is not delivered any more."
	quoteLedger  = "With a ledger of the consumer's own in which effect and message are written in one transaction, it is applied once."
	quoteTxn     = "Without a plant, outputs and acknowledgements of a transaction take effect in one step of the log, or not at all."

	scopeStored = "the number of a message in its producer's life; never forgotten while the queue exists"
	scopeAcked  = "a delivery whose acknowledgement was confirmed is not repeated; before that it may be"
)

// modes makes the same promises under every fault: a majority has synced whatever was acknowledged.
func modes() []semantics.Mode {
	stored := semantics.Promise{Stage: semantics.Stored, Guarantee: semantics.AtLeastOnce, Ordered: true, Source: said(quoteStored)}
	once := semantics.Promise{Stage: semantics.Stored, Guarantee: semantics.ExactlyOnce, Ordered: true, Scope: scopeStored, Source: said(quoteOnce)}
	delivered := semantics.Promise{Stage: semantics.Delivered, Guarantee: semantics.AtLeastOnce, Source: said(quoteApplied)}
	noMore := semantics.Promise{Stage: semantics.Delivered, Guarantee: semantics.ExactlyOnce, Scope: scopeAcked, Source: said(quoteNoMore)}
	applied := semantics.Promise{Stage: semantics.Applied, Guarantee: semantics.AtLeastOnce, Source: said(quoteApplied)}
	ledger := semantics.Promise{Stage: semantics.Applied, Guarantee: semantics.ExactlyOnce, Scope: "the consumer's ledger", Source: said(quoteLedger)}
	atomic := semantics.Promise{Stage: semantics.Applied, Guarantee: semantics.ExactlyOnce, Atomic: true, Scope: "outputs of committed transactions", Source: said(quoteTxn)}

	traits := semantics.Traits{Confirms: true, Acks: true, ConfirmsAcks: true, Scannable: true, Leader: true, Sync: semantics.SyncedBefore} // quoteStored
	dedup := traits
	dedup.DedupStore = true
	withLedger := dedup
	withLedger.DedupEffect = true
	transactional := dedup
	transactional.Acks, transactional.ConfirmsAcks, transactional.Transactional = false, false, true

	return []semantics.Mode{
		{Name: modeAtLeastOnce, Profile: profile, Summary: "confirmed by a majority and retried while unknown; acknowledged after applying",
			Promises: []semantics.Promise{stored, delivered, applied}, Traits: traits},
		{Name: modeDedup, Profile: profile, Summary: "as at-least-once; a message that is there already is not stored again",
			Promises: []semantics.Promise{once, noMore, applied}, Traits: dedup},
		{Name: modeLedger, Profile: profile, Summary: "as dedup, with an idempotent consumer",
			Promises: []semantics.Promise{once, noMore, ledger}, Traits: withLedger},
		{Name: modeTransactions, Profile: profile, Summary: "consume, transform and produce in transactions",
			Promises: []semantics.Promise{once, atomic}, Traits: transactional},
	}
}
