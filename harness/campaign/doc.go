// Package campaign takes what a person asked for to its verdicts: it resolves a spec into one run for each profile, carries the runs out,
// audits what each left, and writes every view of it.
//
// It starts nothing but runs, judges nothing itself (checkers do), and prints nothing: what happens is told to a Listener.
package campaign
