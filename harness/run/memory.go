package run

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"waybill/harness/reexec"
)

// Resident is what this process holds resident, in bytes.
func Resident() int64 { return resident("self") }

// ResidentBelow is what the controllers and workers below this process hold resident together, in bytes. Pages that they share are counted
// for each; brokers are not counted.
func ResidentBelow() int64 { return residentBelow(os.Getpid(), controllerProgram, workerProgram) }

// residentBelow is what the descendants of a process hold resident that are programs of this binary by these names.
func residentBelow(ancestor int, programs ...string) (n int64) {
	parents, ours := map[int]int{}, []int{}
	paths, _ := filepath.Glob("/proc/[0-9]*") // the pattern is well formed
	for _, path := range paths {
		pid, err := strconv.Atoi(filepath.Base(path))
		if err != nil {
			continue
		}
		parents[pid] = parentOf(path)
		// A process that has ended since has no command line.
		line, _ := os.ReadFile(path + "/cmdline")
		argv0, _, _ := bytes.Cut(line, []byte{0})
		for _, p := range programs {
			if reexec.Is(string(argv0), p) {
				ours = append(ours, pid)
			}
		}
	}
	for _, pid := range ours {
		for up := parents[pid]; up > 1; up = parents[up] {
			if up == ancestor {
				n += resident(strconv.Itoa(pid))
				break
			}
		}
	}
	return n
}

// parentOf reads a process's parent: the second field behind the name, which may hold anything but ends with the last bracket.
func parentOf(path string) int {
	stat, _ := os.ReadFile(path + "/stat") // nothing is known of one that has ended since
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 2 {
		return 0
	}
	parent, _ := strconv.Atoi(fields[1])
	return parent
}

// resident is a process's resident set in bytes; 0 when it has ended.
func resident(pid string) int64 {
	text, _ := os.ReadFile(filepath.Join("/proc", pid, "statm"))
	var size, pages int64
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
