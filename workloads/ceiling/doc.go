// Package ceiling drives the workload's own producer and consumer, with real recorders and a real file of effects, against a broker
// of nothing in the same process. What goes through then is what the harness itself can do, and no more: a figure of a real broker
// that comes near it says as much about the harness as about the broker.
//
// The broker keeps messages in memory until they are acknowledged, in the order they came, delivers each once and is never at fault;
// so the run it leaves passes the audit like any other. What it can do on purpose is known to the nanosecond: stand still for a
// while (Pause), or work on each message (Slow). The first has latencies that can be calculated, the second a throughput.
//
// It is no model of a broker, speaks no protocol, opens no socket and judges nothing.
package ceiling
