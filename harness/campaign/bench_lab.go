package campaign

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"waybill/harness/experiment"
	"waybill/harness/run"
	"waybill/results/bench"
)

// laboratory is where the replicates of one profile are carried out. Its methods are called from one goroutine, but for kill.
type laboratory interface {
	// replicates are of as many arms, which take turns if they are several. They return an error when the laboratory is no more, or ctx has
	// ended. What concerns a replicate alone is in its end's Error.
	replicates(ctx context.Context, arms []bench.Arm, js []run.ReplicateJob) ([]run.ReplicateEnd, error)
	close() error
	kill()
}

// opening starts the brokers of a profile, in a folder, and waits for them. What it has to tell, tell hears, from a goroutine of its own.
type opening func(ctx context.Context, p *product, spec experiment.BenchSpec, profile, dir string, tell func(run.Progress)) (laboratory, error)

// inLab is a laboratory with brokers in it.
type inLab struct {
	*run.Bench
	told chan struct{} // closed when there is nothing more to tell
}

// openLab is the opening of laboratories with real brokers. Errors wrap ErrRun.
func openLab(ctx context.Context, p *product, spec experiment.BenchSpec, profile, dir string, tell func(run.Progress)) (laboratory, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRun, err)
	}
	i := 0
	for p.modes[i].Profile != profile {
		i++
	}
	e := spec.Replicate(p.known, p.modes[i], experiment.Load{}, newRun())
	e.Lanes = nil
	b, err := run.StartBench(run.BenchJob{Dir: abs, Distribution: p.distribution, Experiment: e})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRun, err)
	}
	l := &inLab{Bench: b, told: make(chan struct{})}
	go func() {
		defer close(l.told)
		for x := range b.Progress() {
			tell(x)
		}
	}()
	if err := b.Ready(ctx); err != nil {
		b.Kill()
		return nil, errors.Join(fmt.Errorf("%w: %w", ErrRun, err), ignored(l.close()))
	}
	return l, nil
}

// ignored is no error: of a laboratory that was killed because of another error, its end says nothing new.
func ignored(error) error { return nil }

func (l *inLab) replicates(ctx context.Context, _ []bench.Arm, js []run.ReplicateJob) ([]run.ReplicateEnd, error) {
	return l.Replicates(ctx, js)
}

func (l *inLab) kill() { l.Kill() }

func (l *inLab) close() error {
	err := l.Close()
	<-l.told
	return err
}

// clientsOfLab is about how many bytes the clients of one replicate, and the controller, take.
const clientsOfLab = 400 << 20

// fitTogether reports whether labs of several profiles fit into the memory that is available, by what the target says that one takes, with a
// third of it left for the machine.
func (p *product) fitTogether(available uint64) bool {
	return uint64(len(p.profiles()))*p.description.Memory+clientsOfLab <= available/3*2
}

// availableMemory is what the kernel says that can be had without swapping, in bytes; 0: it does not say.
func availableMemory() uint64 {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0
	}
	defer f.Close()
	return memAvailable(f)
}

func memAvailable(r io.Reader) uint64 {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		rest, ok := strings.CutPrefix(lines.Text(), "MemAvailable:")
		if !ok {
			continue
		}
		kib, err := strconv.ParseUint(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 54)
		if err != nil {
			return 0
		}
		return kib << 10
	}
	return 0
}
