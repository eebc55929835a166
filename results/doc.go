// Package results holds run directories and every view of them: terminal matrix, HTML report, plots, JUnit.
//
// Every view is a pure function of values read from a run directory, so that it can be drawn again years later without a
// broker. The package judges nothing (the verdict is handed in), reads histories only through history.Source, starts
// nothing and prints nothing by itself. What came from a broker or a file is escaped wherever it is shown.
package results
