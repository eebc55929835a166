package labtest

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// ahead is the niceness of lab tests: three times the processor time of what has none. More would keep the tests of browsers waiting.
const ahead = -5

// favour lets this process, and what it starts, go before others. Brokers whose timeouts are seconds share the machine with the compiler and
// with the tests of other packages, and a cluster that did not run for as long is not a healthy one. Only root may: for others nothing changes.
func favour() {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, t := range threads { // each has a niceness of its own, and those to come have that of the one that starts them
		if id, err := strconv.Atoi(t.Name()); err == nil {
			_ = unix.Setpriority(unix.PRIO_PROCESS, id, ahead)
		}
	}
}
