// Package benchtest makes up a benchmark that looks like a real one: two brokers with four modes each, every kind of arm, and what went wrong
// on request. It is for the tests of everything that shows a benchmark, so that they need none to be run.
//
// The same call gives the same data, to the last bit. Nothing in it was measured, and no figure of it belongs on a published page.
package benchtest
