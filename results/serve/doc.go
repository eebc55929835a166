// Package serve shows run directories in a browser: a list of runs and benchmarks, what is in each, the story of any message, and a run in
// progress while it goes on.
//
// It only reads, and asks nothing of the process that makes a run: whatever it shows of one in progress is read from the files that the run
// would leave if it were killed now. It judges nothing: stories and the live audit are asked of an Auditor, which the command line brings. It
// changes no file, draws no report or plot, and knows nothing of users or of encryption: it is for the machine that it runs on.
package serve
