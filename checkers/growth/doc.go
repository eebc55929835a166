// Growth measures how the audit's time and memory grow with the number of messages: it records histories of the sizes asked for, audits each
// from disk, and draws both against the size.
//
// A history is made by package code with a seed and written by the flight recorder, into eight segments or nine: a controller, two producers
// with a segment for sends and one for outcomes each, two consumers that take turns at both producers' messages, the ledger's
// readback, and in the long profile an inspector. They overlap in time as those of a run do. One message in a thousand is rejected, one in a
// hundred has an attempt of unknown outcome, which most producers send again until it is acknowledged, and of the others half were
// stored; one in two hundred is delivered twice. What was made is counted, and the audit must count the same, and keep
// every promise: a figure that came of a wrong verdict is none.
//
// The short profile has four events a message: send, outcome, delivery, and the readback of its effect. The long one has ten: send, outcome,
// delivery, the begin and end of its application, the acknowledgement and its confirmation, two scans, and the readback.
// (In both the average is a little more, for retries and redeliveries.)
//
// Each audit runs in a process of its own, so that the highest memory is its own, and the naive audit runs in turn with it where the
// size permits. The compiler optimizes this command by a profile of such an audit (default.pgo beside it), and the main one by that and a
// profile of clients at full speed. To make them anew:
//
//	go run ./checkers/growth -generate -dir H -sizes 2e7
//	go run ./checkers/growth -dir H -cpuprofile checkers/growth/default.pgo
//	go test ./workloads/ceiling -run '^$' -bench Ceiling -benchtime 3x -cpuprofile clients.prof
//	go tool pprof -proto checkers/growth/default.pgo clients.prof > default.pgo
//
// The command starts no broker, and the histories are gone when it ends.
package main
