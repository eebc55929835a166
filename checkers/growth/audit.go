package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"waybill/checkers"
	"waybill/checkers/naive"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// A measurement is what one audit took.
type measurement struct {
	Wall, CPU time.Duration // of the process: all its threads, garbage collection included
	Heap      uint64        // most bytes of heap in use, sampled, with what is garbage but not collected yet
	Resident  uint64        // most bytes resident
	Events    int64         // as the audit counts them
	Ledger    semantics.Ledger
	Result    string
	Findings  int
}

// measure audits the history in dir, within this process.
func measure(ctx context.Context, dir string, p profile, simply bool) (measurement, error) {
	stop := sampleHeap()
	wall, cpu := time.Now(), processorTime()
	m, err := judge(ctx, dir, p, simply)
	m.Wall, m.CPU = time.Since(wall), processorTime()-cpu
	m.Heap, m.Resident = stop(), resident()
	return m, err
}

func judge(ctx context.Context, dir string, p profile, simply bool) (m measurement, err error) {
	h, err := history.Open(dir)
	if err != nil {
		return m, err
	}
	x := p.experiment()
	if simply {
		r, err := naive.Audit(h, x)
		if err != nil {
			return m, err
		}
		m.Ledger, m.Findings = r.Lanes[0].Ledger, len(r.Lanes[0].Findings)
		return m, nil
	}
	in := checkers.Input{Source: h, Experiment: x}
	for _, s := range h.Segments() {
		in.Segments = append(in.Segments, checkers.Segment{Name: filepath.Base(s.Path), Life: s.Header.Life, Cut: s.Cut, Sealed: s.Sealed != history.Unsealed})
	}
	v, err := checkers.Audit(ctx, in)
	if err != nil {
		return m, err
	}
	m.Events, m.Ledger, m.Result, m.Findings = v.Events, v.Lanes[0].Ledger, string(v.Result), len(v.Findings)
	return m, nil
}

// report is measure for a process of its own: it writes what it finds as JSON.
func report(ctx context.Context, to io.Writer, dir string, p profile, simply bool) error {
	m, err := measure(ctx, dir, p, simply)
	if err != nil {
		return err
	}
	return json.NewEncoder(to).Encode(m)
}

// sampleHeap watches the heap until the function that it returns is called, which tells the most.
func sampleHeap() (stop func() uint64) {
	const name = "/memory/classes/heap/objects:bytes"
	sample := []metrics.Sample{{Name: name}}
	most := uint64(0)
	look := func() {
		metrics.Read(sample)
		most = max(most, sample[0].Value.Uint64())
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		t := time.NewTicker(10 * time.Millisecond)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				look()
			case <-done:
				return
			}
		}
	})
	return func() uint64 {
		close(done)
		wg.Wait()
		look()
		return most
	}
}

// processorTime is what this process has used of all processors.
func processorTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		panic(fmt.Sprintf("growth: getrusage: %v", err)) // it has no way to fail with these arguments
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// resident is the most memory that this process ever had resident, or 0 where /proc does not tell.
func resident() uint64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, _ := strconv.ParseUint(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return n << 10
		}
	}
	return 0
}
