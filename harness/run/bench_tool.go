package run

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"waybill/harness/history"
	"waybill/harness/lab"
	"waybill/targets"
)

const (
	// toolGrace is how much longer than three times its warm-up and measurement a rival may take, from start to end.
	toolGrace = 30 * time.Second
	// toolOutput is how much of what a rival prints is kept, from its end.
	toolOutput = 16 << 10
	toolHost   = "client-p1"
)

// tool lets the product's own benchmark publish, on a client's host. All of its time is measured: where it begins and ends counting is its own business.
func (r *replicate) tool(ctx context.Context) error {
	rival, ok := r.target.(targets.Rival)
	if !ok {
		return fmt.Errorf("target %s has no benchmark tool of its own", r.exp.Target)
	}
	cmd, err := rival.ToolCommand(*r.job.Tool, targets.ToolLoad{Nodes: r.cluster.Nodes(), Queue: targets.Queue{Name: r.lane.spec.Queue, Mode: r.lane.spec.Mode.Name},
		Messages: r.job.Messages, Length: r.job.Warm + r.job.Measure, Size: r.exp.Load.Size, Window: r.exp.Load.Window, Producers: r.lane.spec.Producers})
	if err != nil {
		return err
	}
	h, err := r.place(ctx, toolHost)
	if err != nil {
		return err
	}
	before, err := r.toolProcessors(h)
	if err != nil {
		return err
	}
	name := "tool-" + r.exp.Run
	r.end.FromTick = history.FloorTicks(history.Clock())
	p, err := h.Start(ctx, lab.Proc{Name: name, Path: cmd.Path, Args: cmd.Args, Env: cmd.Env})
	if err != nil {
		return err
	}
	limit, cancel := context.WithTimeout(ctx, 3*(r.job.Warm+r.job.Measure)+toolGrace)
	defer cancel()
	select {
	case <-p.Done():
	case <-limit.Done():
		kill, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
		defer cancel()
		if err := h.Kill(kill); err != nil {
			return err
		}
		return fmt.Errorf("%s did not end within %s: %w: %s", r.job.Tool.Name, 3*(r.job.Warm+r.job.Measure)+toolGrace, limit.Err(), p.Exit().Stderr)
	}
	r.end.ToTick = history.CeilTicks(history.Clock())
	after, err := r.toolProcessors(h)
	if err != nil {
		return err
	}
	r.end.Clients, r.end.Brokers = after.clients-before.clients, after.brokers-before.brokers
	if r.end.Tool, err = printed(filepath.Join(h.Dir(), name+".stdout")); err != nil {
		return err
	}
	if x := p.Exit(); x.Code != 0 {
		return fmt.Errorf("%s ended with code %d %s: %s", r.job.Tool.Name, x.Code, x.Signal, x.Stderr)
	}
	return nil
}

func (r *replicate) toolProcessors(h *lab.Host) (processors, error) {
	p, err := r.processors() // there are no clients
	if err != nil {
		return p, err
	}
	used, err := h.Processor()
	p.clients += used.Seconds()
	return p, err
}

// printed is the end of what a program printed: its last lines have the figures.
func printed(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("run: what the tool printed: %w", err)
	}
	if len(text) > toolOutput {
		text = text[len(text)-toolOutput:]
	}
	return string(bytes.ToValidUTF8(bytes.TrimSpace(text), nil)), nil
}
