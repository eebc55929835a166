// Package steady says when a series of counts has come to rest: where the warm-up of a measurement ends.
//
// It fits a straight line to batch means of the series' later half, and takes the series for steady when the change along that line is shown
// to be small against the mean. Testing the slope of a regression over batch means is the method of Kelton and Law (A new approach for
// dealing with the startup problem in discrete event simulation, Naval Research Logistics Quarterly 30, 1983). Two things differ. Steadiness
// is what has to be shown here, by an interval that lies within bounds (Schuirmann's two one-sided tests, Journal of Pharmacokinetics and
// Biopharmaceutics 15, 1987), since in a noisy or short series a slope of zero can never be refused. And the number of batches is fixed, so
// that they grow with the series, as Schmeiser advises (Batch size effects in the analysis of simulation output, Operations Research 30,
// 1982): neighbours in a series of throughput are not independent, means of long batches nearly are.
//
// The package knows no clock and no unit, decides nothing about how long anybody waits, and cuts nothing out of a series.
package steady
