// Package plot draws the figures of benchmarks and of test runs: what a guarantee costs, how latency grows with load and lies over its
// quantiles, throughput over time with the faults, promises against faults, how long each fault silenced a mode, and how much the harness
// itself takes.
//
// A Figure is laid out for the width that is asked for, in pixels of CSS, and drawn with gonum's vector graphics as SVG or PNG. Its geometry
// does not depend on the theme. Text stays text. What differs by colour differs by shape, dash or word as well.
//
// The package computes no statistics and judges nothing: it draws a bench.Summary, replicates, verdicts and series as they are. It reads no
// files. Names are printed as they are except for what does not print; markup in them is escaped.
package plot
