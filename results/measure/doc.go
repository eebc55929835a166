// Package measure reads a replicate's figures off its history: how long messages took from one stage to the next, how many arrived within the
// measured window, and how far the sending kept to its schedule.
//
// The history is streamed once. What is remembered is a few words for each message that is still on its way, however many there are in all;
// of one that arrived nothing is kept but that it did.
//
// It judges nothing: whether a promise held is for checkers, which audit the same history, and what may be concluded from several replicates is
// for results/bench. Rates over time come from live figures, which unaudited runs have too, and not from here.
package measure
