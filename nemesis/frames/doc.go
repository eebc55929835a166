// Package frames loses, delays, holds back and repeats single frames of a broker's protocol on their way between a client and a
// broker: this acknowledgement, that confirmation, the request that ends a transaction.
//
// A Filter wraps the client's connections, above TLS, and follows what passes in both directions from the first byte on, so that
// it knows to which request an answer belongs whenever rules are set. It keeps no more of a frame than its head, but of those
// that it must keep: delayed, held and repeated ones. What it does not understand passes untouched, and Filter.Lost counts it.
//
// How far a single frame can be taken out depends on the protocol. A NATS server and client do not count frames, so that one
// can vanish alone. A Kafka client expects its answers in the order of its requests, and AMQP's tags number publishes and
// deliveries: there a gap would be noticed, or a later cumulative acknowledgement would cover it, so what follows shares its
// fate.
//
// The package does not decide which faults there are, does not judge what they led to, does not open TLS, and does not believe
// that a frame it let through has arrived: which messages a hit concerned is for the client's own outcomes to say.
package frames
