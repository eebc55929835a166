// Package jepsen reads a history that Jepsen recorded and says the same in Waybill's vocabulary, so that Waybill's audit can judge it:
// operations of jepsen.tests.kafka (:send, :poll, :txn, :assign, :subscribe), or of a queue (:enqueue, :dequeue, :drain).
//
// It judges nothing. What it makes are events, an experiment of one or two lanes, and segments on request: a run like any other.
//
// # What becomes of an operation
//
//   - A message is a key and a value; values are unique for a key. Its token is wb1-imported-KEY-VALUE with 10,000 added to the key:
//     value 42 of key 3 is wb1-imported-10003-0000000042. Keys that are no integers from 0 to 79,999 are numbered from 90,000 in order of
//     appearance, and so are, from 1, the values of a key that are not all integers from 1 to 9,999,999,999. The text of each message's
//     send has key and value as they stand in the file, and the number of the operation. What Waybill exported gets its own tokens back.
//   - A send of an :ok operation was acknowledged, at its offset if that is there; one of a :fail operation was certainly not accepted
//     (Options.FailsUnknown doubts that); one of an :info operation, or of one that never ends, has an unknown outcome. Each is one
//     attempt, in a session for each process: order is promised within a process and a key.
//   - Whatever a poll returned was delivered, of whatever type the operation is: a client was shown it. A partition stands for a key.
//   - :assign assigns keys, and takes away those that it does not name. :subscribe takes away all, since the broker's choice is not in
//     the history; so does, for the length of one operation, an operation's :rebalance-log for its keys, or a type other than :ok.
//   - What the nemesis did is noted as phases. Whether it bit, and when it was healed, the history does not say: so no fault is judged,
//     and the run is one calm episode.
//
// # What is taken for the store, for applied, and for drained
//
// Nobody scans a store in such a history. The first scan is the union of all polls. Further ones are those of processes which, after
// the last send had ended, assigned themselves every key from its beginning and read it as far as anybody did: Jepsen's final polls, if
// there are two such processes at least. Equal scans are what a promise about the store needs to be kept; to be broken it needs one.
// Where two values were polled at one offset of a key, the one is in the first scan and the other in a scan of its own.
//
// A poll is the end of a message's way here: what is applied is what was polled. A promise about effects cannot be judged, and one that
// forbids second deliveries cannot either, since acknowledgements of consumers are not in the history; Check refuses both.
//
// What is acknowledged and was never polled is lost where something beyond it was polled from its key (consumers read keys in order,
// and from the beginning), or where the history is said to be drained (Options.Drained). The rest may not have been reached yet. It forms
// a lane of its own, "unread", whose drain is not proven, so that nothing is concluded from its absence. A queue without offsets is
// drained where a :drain that began after the last :enqueue had ended succeeded.
package jepsen
