// Package workloads is what the clients of a run do: open-loop producers of uniquely numbered messages, members of a consumer
// group that apply each message to an effect and acknowledge it, and the two places where effects live (a file that is only
// appended to, and a ledger that applies once).
//
// Everything is recorded before it is acted on. The package chooses no faults, judges nothing, and knows a broker only as targets.Client.
package workloads
