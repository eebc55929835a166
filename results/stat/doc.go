// Package stat estimates medians and differences from a handful of runs, each with an interval that holds whatever their distribution is.
//
// What is estimated from pairs is Hodges and Lehmann's location of the differences, with the interval that Wilcoxon's signed-rank test
// does not reject; from two samples that are not paired their shift, with the interval of Mann and Whitney's test; from one sample its median,
// with order statistics. None assumes a normal distribution. With pairs the differences must be symmetric about their location, as those of
// two arms under the same conditions are; a shift supposes two distributions of the same shape.
//
// The package knows nothing of benchmarks and draws no conclusions: it does not decide what is significant. All functions are pure, leave their
// arguments as they are, and may be called from any goroutine.
package stat
