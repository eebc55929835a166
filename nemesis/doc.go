// Package nemesis breaks things on purpose: it holds the faults, what a fault is, and the schedule that chains them.
//
// A fault arms (finds its victims and waits until something is in flight there), injects, observes that it took effect, recovers, and
// verifies the recovery. It reaches the lab only through View, records nothing itself and judges nothing: the controller in harness/run
// writes each step into the history, and the audit decides from that what was exposed. A fault is one short file that ends in Register.
package nemesis
