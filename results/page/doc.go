// Package page writes the pages that show more than one test run: the report of a benchmark, and the comparison of several directories.
//
// Every page is a function of what it is handed, one file, whole without a network and without scripts. The package measures, judges and
// computes no statistics: estimates, intervals and what may be claimed come from package bench, verdicts from audits, figures from package
// plot. The report of a single test run is written by package results.
package page
