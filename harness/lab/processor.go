package lab

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// userHertz is the unit of processor times in /proc: clock ticks a second, 100 for every program whatever the kernel's own.
const userHertz = 100

// Processor is the processor time that everything on the host has used since it came up, what has ended and was reaped included, to a
// hundredth of a second a process. It falls back when the host is restarted.
func (h *Host) Processor() (time.Duration, error) {
	live := h.incarnation()
	if live == nil {
		return 0, h.down()
	}
	states, err := h.States()
	if err != nil {
		return 0, err
	}
	sum, _ := processor(live.init.Process.Pid)
	for pid := range states {
		used, _ := processor(pid) // what has ended since is in its parent's figure at the next reading
		sum += used
	}
	return sum, nil
}

// processor is what a process and the children that it reaped have used: the fields utime, stime, cutime and cstime of its stat file.
func processor(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return processorOf(string(stat))
}

// processorOf reads a stat file. Its second field is a name in brackets and may contain brackets and spaces; the third is the state.
func processorOf(stat string) (time.Duration, error) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	const first, last = 14 - 3, 17 - 3
	if len(fields) <= last {
		return 0, fmt.Errorf("lab: %d fields in a stat file, expected at least %d", len(fields)+2, last+3)
	}
	var ticks int64
	for _, f := range fields[first : last+1] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("lab: a stat file: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / userHertz, nil
}
