// Package latency holds distributions of times: histograms of one geometry, which add up exactly, travel as text, and are asked for quantiles.
//
// It measures nothing and estimates nothing: results/measure fills histograms from a history, results/bench says what may be concluded from
// those of several runs. Quantiles of runs are never averaged here: histograms are added, and the sum is asked.
package latency
