// Package story tells what became of single messages, and what the messages of one finding have in common.
//
// Read goes through a history once, in order of time, and keeps what concerns the messages that it was asked for: every event about
// each, as an interval from invocation to completion, and around it the faults, the leaders, the ends of the lives concerned and
// what was done to their frames. A Story says what was promised, what the finding means in words, and marks the very observations
// that prove it. A Cause is a number of messages of one finding that share the same moment, node, client and stretch of the stream.
// Both are written as text here, and drawn as HTML by the report; their JSON is the structs'.
//
// The package judges nothing: findings are handed in, and a message that no finding names is told all the same. It does not say why
// a broker did what it did, only what stood in time and place beside it; and it names positions as recorded, which count from 1.
package story
