// Package kafka is the target for Apache Kafka: topics with three replicas in a KRaft cluster, spoken to through franz-go.
//
// The brokers are the real ones, started from jars. Producers and consumers are the library's own, set so that each mode is
// what its name says: without idempotence one Send is one attempt, with it the session retries until it knows. What was
// written to a connection, and how often, is read off the connection itself, since the library does not tell: only what
// never left the process is called rejected without the broker having said so. The inspector reads every replica with
// fetch requests of its own and parses the log's record batches, so that what a consumer is not shown (aborted writes,
// transaction markers, leader epochs) is seen.
//
// What the package does not do: it judges nothing, repeats no message outside the library's session, and never creates a
// topic or resets a group's offsets on behalf of a worker; a queue that vanished stays vanished.
package kafka
