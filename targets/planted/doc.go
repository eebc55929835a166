// Package planted is Waybill's own test piece: a small real broker whose bugs are switches.
//
// It is no product. It exists so that the audit can be seen to catch what it claims to catch: three processes of this
// binary keep a log replicated by Raft, speak a framed protocol of their own over TCP, and keep their promises under
// every fault they are run under, until they are told to break one of them for one message in so many (a Plant). Which
// messages are harmed follows the run's seed and the message's own number, so that every replica decides alike and a
// run repeats; what was harmed a broker says on its standard output, for a test to compare with the audit's findings.
//
// Election and replication are hashicorp/raft's; the log on disk, the queues, redelivery, deduplication, transactions and
// the bugs are here. What the package does not do: it takes no snapshots (a node replays its log, and a run is short),
// it shares no queue over partitions, and it judges nothing.
package planted
