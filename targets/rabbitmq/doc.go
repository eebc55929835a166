// Package rabbitmq is the target for RabbitMQ: classic queues, mirrored ones where the version has them, and quorum queues,
// on a cluster of three nodes, spoken to by AMQP 0-9-1.
//
// Clients use amqp091-go, without its recovery: that would declare queues anew, and hide from the audit which publishes a
// lost connection left unknown. Each role has a connection and a channel of its own, and makes new ones for ever.
//
// RabbitMQ has no ack wait: what a consumer neither acknowledges nor rejects stays with it until its channel closes, or for
// half an hour. Consumers here give such deliveries back after a few seconds, as an application would have to.
//
// What the package does not do: it judges nothing, retries no publish, reads no queue without consuming (AMQP cannot), and
// never creates a queue on behalf of a worker; a queue that vanished stays vanished.
package rabbitmq
