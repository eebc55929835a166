package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"waybill/harness/lab"
	"waybill/nemesis/disk"
)

// probe takes the power from all disks once, and looks whether they forgot what was not synced and kept what was. A file system that
// lets writes past would look as if no broker ever lost anything: then there is no such fault, and so no run.
func (d *disks) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for _, step := range []func(context.Context) error{
		d.each("writing to it", d.probeWrite),
		func(ctx context.Context) error { return d.server.Plug(ctx, d.names()...) },
		d.each("ending its host", func(ctx context.Context, h *lab.Host) error { return h.Kill(ctx) }),
		func(ctx context.Context) error {
			_, err := d.server.Forget(ctx, d.names()...)
			return err
		},
		d.each("bringing it back", d.probeRestart),
		d.each("looking at it", d.probeCheck),
	} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("run: disks that forget, tried before use: %w", err)
		}
	}
	return nil
}

// each does a step of the trial on all hosts at once.
func (d *disks) each(what string, do func(context.Context, *lab.Host) error) func(context.Context) error {
	return func(ctx context.Context) error {
		g, ctx := errgroup.WithContext(ctx)
		for _, h := range d.hosts {
			g.Go(func() error {
				if err := do(ctx, h); err != nil {
					return fmt.Errorf("%s, %s: %w", h.Name(), what, err)
				}
				return nil
			})
		}
		return g.Wait()
	}
}

func (d *disks) probeRestart(ctx context.Context, h *lab.Host) error {
	if err := h.Restart(ctx); err != nil {
		return err
	}
	return d.mount(ctx, h)
}

// probeWrite starts the program that writes and then waits to be killed, and returns when it has written.
func (d *disks) probeWrite(ctx context.Context, h *lab.Host) error {
	p, err := h.Start(ctx, lab.Proc{Name: disk.ProgramProbe, Program: disk.ProgramProbe, Args: []string{"write", d.folder(h)}})
	if err != nil {
		return err
	}
	t := time.NewTicker(time.Millisecond)
	defer t.Stop()
	for {
		said, err := os.ReadFile(output(h, disk.ProgramProbe))
		if err == nil && len(said) > 0 {
			return nil
		}
		select {
		case <-p.Done():
			return errors.New(strings.TrimSpace(p.Exit().Stderr))
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
		}
	}
}

func (d *disks) probeCheck(ctx context.Context, h *lab.Host) error {
	_, err := onHost(ctx, h, disk.ProgramProbe, "check", d.folder(h))
	return err
}

// measure says what a disk that forgets costs beside the plain one that it lies on: a run on it is not to be compared with another.
func (d *disks) measure(ctx context.Context, h *lab.Host) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	plain, err := disk.Measure(h.Dir())
	if err != nil {
		return err
	}
	said, err := onHost(ctx, h, disk.ProgramCost, d.folder(h))
	if err != nil {
		return err
	}
	var ours disk.Cost
	if err := json.Unmarshal(said, &ours); err != nil {
		return fmt.Errorf("run: cost of the disk of %s: %w", h.Name(), err)
	}
	text := fmt.Sprintf("model %s; writes of 1 MiB at %.0f MB/s, on the plain disk below it %.0f; 4 KiB written and synced in %s, there in %s",
		d.model, ours.Sequential/1e6, plain.Sequential/1e6, ours.Synced.Round(time.Microsecond), plain.Synced.Round(time.Microsecond))
	d.c.tell(Progress{Line: "brokers' disks forget what is not synced: " + text, Facts: map[string]string{"disks that forget": text}})
	return nil
}

// onHost runs a program of ours on a host to its end, and returns what it printed. It leaves no output behind.
func onHost(ctx context.Context, h *lab.Host, program string, args ...string) (said []byte, err error) {
	p, err := h.Start(ctx, lab.Proc{Name: program, Program: program, Args: args})
	if err != nil {
		return nil, err
	}
	select {
	case <-p.Done():
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if e := p.Exit(); e.Code != 0 {
		return nil, errors.New(strings.TrimSpace(e.Stderr))
	}
	said, err = os.ReadFile(output(h, program))
	return said, errors.Join(err, os.Remove(output(h, program)), os.Remove(filepath.Join(h.Dir(), program+".stderr")))
}

// output is where a host keeps what a program of that name printed.
func output(h *lab.Host, program string) string { return filepath.Join(h.Dir(), program+".stdout") }
