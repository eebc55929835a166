// Package bench is a benchmark as data: what was asked for, what each replicate measured, and what may be said of it.
//
// The replicates are the product. Every median, ratio, plot and page is a function of them and of the plan alone, so that a benchmark can be
// read again years later. The package starts nothing, draws nothing and judges no history: campaign carries a plan out, checkers audit each
// replicate, results/plot and results/page show what Analyze says.
package bench
