// Package export writes a recorded history in shapes that other programs read: the operations that Jepsen's checkers or Go's porcupine
// take, so that an oracle nobody here wrote can judge the same run; and plain JSON, and CSV.
//
// It leaves out and never judges: what a checker makes of the operations is its own affair. What has no words in the other
// vocabulary is counted in Left. All formats stream: besides what is in flight, memory grows by a bit for each offset, four bytes for
// each message, and what is irregular (retries, transactions).
//
// # Jepsen
//
// One operation a line, as EDN. A lane whose store has positions takes the shape of jepsen.tests.kafka:
//
//   - A key is a partition of the queue, as a long. Where a queue was made anew, its next incarnation has the next keys. The outputs
//     of transactions follow as keys of their own, then keys for messages that nobody ever saw anywhere.
//   - A value is a message: its life times 10,000,000,000 plus its sequence, so that 170000000042 is wb1-RUN-00017-0000000042. An
//     output is (life, transaction, place in it) of the attempt that wrote it: life × 10¹² + transaction × 100,000 + place.
//   - An offset is the rank of a position among those that were acknowledged or delivered: dense per key from 0. Control records,
//     aborted copies and whatever else no client was told of leave no gap; nothing that a client saw is left out.
//   - A :send is a message with all its attempts: :ok at the first that was acknowledged, :fail once all were certainly rejected,
//     :info otherwise, since Jepsen takes every write to be unique. What the store made of the attempts shows in the polls.
//   - Producers are pipelined, processes of Jepsen are not: each life has as many processes as it had messages open at once.
//   - A :poll is one receive call of a consumer. A consumer :subscribes to all keys when it begins; check with :sub-via
//     #{:subscribe}. Where the broker assigns no partitions to members, they compete for messages and every poll skips some: it then
//     carries a :rebalance-log of its keys, which exempts it from being taken for a log reader's.
//   - A :txn is a receive call and the outputs of the transaction made from it: :ok when it committed, :fail when it aborted, else
//     :info. The last reading of the outputs is one :poll of a reader of committed messages, after :assign.
//   - Scans are not exported: a copy that only a scan found was polled by no client.
//
// Other lanes take the shape of jepsen.checker/total-queue: :enqueue with a value, and a :dequeue for each delivery. What is delivered
// during the last checkpoint that was proven drained, once no send is open, is one :drain: the proof that nothing is left, as that checker
// reads it.
//
// Every operation that is open when its process ends is closed as :info, and no process invokes again after an :info. Deliveries
// that are corrupt or of another run are left out and counted; a value that nobody is known to have sent gets a :send that is
// never acknowledged, since the checker throws on a value without a writer. Faults are :start and :stop of the :nemesis; the first and
// the last operation, of the process :waybill, say where the history is from and what was left out.
//
// # Porcupine
//
// Operations with a call and a return, one JSON object a line: see Operation, which says how to load them.
//
// # CSV
//
// A row an event, with the columns of Columns, for a spreadsheet or a database: what happened to a message are the rows with its token, and
// grouping by it makes a row a message. What an event does not have is empty.
package export
