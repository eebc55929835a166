// Package lab is a data centre in one process tree: hosts with namespaces of their own on a bridge, on one Linux
// machine, without Docker and without root.
//
// A process that calls Enter (the starter) gets a tree like this, every level in namespaces of its own:
//
//	starter                     outside; sees the terminal, owns the run directory
//	└─ init of the lab          PID 1: new PID, mount, UTS, IPC, network (and, when needed, user) namespaces
//	   └─ Spec.Program          calls Open, then AddHost, Start, Kill, Cut, ...; holds the bridge, 10.77.0.1
//	      ├─ init of host a     PID 1 of its own namespaces; 10.77.0.2
//	      │  └─ processes
//	      └─ init of host b     10.77.0.3
//	         └─ processes
//
// The kernel cleans up: the end of a PID 1 ends everything in its namespace, daemons included, and the end of the
// last process removes interfaces and mounts. The lab's init dies with its starter twice over: by the parent-death
// signal, and by the end of file on a socket (the lifeline) that only the starter holds. A host's init dies with
// the program inside by the same end of file on its control socket.
//
// Control never goes over the lab's network, so that cutting it cuts only what is under test.
//
// The package does not know brokers, faults or schedules, chooses no victims, and records no history. It limits
// neither memory nor processor time, gives no way out of the lab's network unless it is told to do without one
// (Spec.HostNetwork), and runs on Linux only (5.4 or newer).
package lab
