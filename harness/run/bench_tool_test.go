package run

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"waybill/targets"
)

// withTool is NATS with a benchmark tool that is a line of shell.
type withTool struct{ targets.Target }

const withToolName = "nats-with-tool"

func init() {
	real, _ := targets.Find("nats")
	targets.Register(withTool{real})
}

func (w withTool) Describe(version string) targets.Description {
	d := w.Target.Describe(version)
	d.Name = withToolName
	return d
}

func (withTool) ProvisionTool(context.Context, targets.Provisioning) (targets.Tool, error) {
	return targets.Tool{Name: "shell"}, nil
}

func (withTool) ToolCommand(t targets.Tool, l targets.ToolLoad) (targets.ToolCommand, error) {
	script := fmt.Sprintf(`i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; echo %d messages of %d bytes to %s`, l.Messages, l.Size, l.Queue.Name)
	if l.Window == 1 {
		script = "sleep 1000"
	}
	return targets.ToolCommand{Path: "/bin/sh", Args: []string{"-c", script}}, l.Check()
}

func (withTool) ToolRate(string) (float64, error) { return 0, targets.ErrNoFigures }

func TestARivalRunsInPlaceOfProducers(t *testing.T) {
	x := startBench(t, withToolName)
	j := x.replicate(t, "jetstream")
	j.Tool, j.Messages = &targets.Tool{Name: "shell"}, 5000
	end := x.carry(t, j)
	if want := fmt.Sprintf("5000 messages of 64 bytes to %s", j.Experiment.Lanes[0].Queue); end.Tool != want {
		t.Errorf("the tool printed %q, want %q", end.Tool, want)
	}
	if end.Clients <= 0 || end.ToTick <= end.FromTick {
		t.Errorf("%g processor seconds in %d µs", end.Clients, end.ToTick-end.FromTick)
	}
	j = x.replicate(t, "jetstream")
	j.Tool, j.Experiment.Load.Window = &targets.Tool{Name: "shell"}, 1
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if end, err := x.Replicate(ctx, j); err != nil || !strings.Contains(end.Error, errInterrupted.Error()) {
		t.Errorf("a tool that does not end: %v, %q", err, end.Error)
	}
	for pid, argv0 := range x.processes() {
		if strings.HasSuffix(argv0, "sleep") || strings.HasSuffix(argv0, "sh") {
			t.Errorf("the tool is left: process %d", pid)
		}
	}
	if err := x.Close(); err != nil {
		t.Error(err)
	}
}
