// Package run carries out one experiment inside a lab: brokers and clients up, load beside episodes of faults, checkpoints that prove
// their drain, and a history of it all in the run directory.
//
// For benchmarks, brokers stay up while one replicate after another has a queue, clients and a history of its own: see Bench.
//
// It has two sides. The controller is the program that the lab starts; workers (producers, consumers, ledgers, inspectors) are processes
// on client hosts, ordered about over inherited sockets, never over the lab's network. The package judges nothing: the audit reads what it leaves.
package run
