// Package nats is the target for NATS: core publish and subscribe, and JetStream with three replicas and file storage.
//
// The broker is the nats-server of this binary's module graph, started again as a process of its own: it is the real
// server, and killable. Clients speak through nats.go, but the pipelined publisher, the pull requests and the
// acknowledgements are ours, because the library's own retry a publish on "no responders" and hide attempts from the audit.
//
// What the package does not do: it judges nothing, retries no publish, and never creates a queue or a durable consumer
// on behalf of a worker; a queue that vanished stays vanished.
package nats
