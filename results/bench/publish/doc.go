// Package publish writes a benchmark for other programs: in the Go benchmark format for benchstat, as JUnit for machines that collect test
// results, and as Markdown for the page of a job.
//
// It concludes nothing: what may be said is in the Summary and the Comparison that it is given. It draws nothing and compares nothing.
package publish
