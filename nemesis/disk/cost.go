package disk

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"waybill/harness/reexec"
)

// ProgramCost is the program that measures what a folder's disk costs: started as disk-cost DIR, on a host for a disk
// of that host, it prints a Cost as JSON to standard output and ends with code 0. It takes about a third of a second.
const ProgramCost = "disk-cost"

func init() { reexec.Register(ProgramCost, cost) }

// Cost is how fast a disk is. A disk that forgets is slower to write to, and may be faster to sync: what is durable
// on it is in the backing folder, and no medium is waited for.
type Cost struct {
	Sequential float64       // bytes a second of writes of 1 MiB one after another, without a sync
	Synced     time.Duration // median of 4 KiB written over what is there, and fdatasync
}

// What is measured.
const (
	costBlock  = 1 << 20
	costBlocks = 64
	costSynced = 100
	costLimit  = 300 * time.Millisecond // for each of the two, on a slow disk
)

func cost(args []string) int {
	if len(args) != 1 {
		fmt.Fprintf(os.Stderr, "disk: disk-cost: expected a folder, got %q\n", args)
		return 3
	}
	c, err := Measure(args[0])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(c)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "disk: disk-cost: %v\n", err)
		return 1
	}
	return 0
}

// Measure measures the disk of a folder with a file that it removes. It is for the one disk against the other, both
// measured on the same machine and under the same load.
func Measure(dir string) (Cost, error) {
	f, err := os.CreateTemp(dir, "waybill-cost-*")
	if err != nil {
		return Cost{}, fmt.Errorf("disk: measuring %s: %w", dir, err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	var c Cost
	if c.Sequential, err = measureSequential(f); err == nil {
		c.Synced, err = measureSynced(f)
	}
	if err != nil {
		return Cost{}, fmt.Errorf("disk: measuring %s: %w", dir, err)
	}
	return c, nil
}

func measureSequential(f *os.File) (float64, error) {
	block := make([]byte, costBlock)
	begin, written := time.Now(), 0
	for written < costBlocks && time.Since(begin) < costLimit {
		if _, err := f.Write(block); err != nil {
			return 0, err
		}
		written++
	}
	return float64(written) * costBlock / time.Since(begin).Seconds(), nil
}

func measureSynced(f *os.File) (time.Duration, error) {
	if err := f.Sync(); err != nil { // so that the first one measured syncs no more than the others
		return 0, err
	}
	block := make([]byte, pageSize)
	var took []time.Duration
	for begin := time.Now(); len(took) < costSynced && (len(took) == 0 || time.Since(begin) < costLimit); {
		one := time.Now()
		if _, err := f.WriteAt(block, int64(len(took))*pageSize); err != nil {
			return 0, err
		}
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			return 0, err
		}
		took = append(took, time.Since(one))
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}
