package targets

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Rival is implemented by a Target whose product brings a benchmark tool of its own, which the harness can be held against.
type Rival interface {
	// ProvisionTool fetches or builds the tool, outside the lab. It is idempotent, and goes on where an earlier call was interrupted. The
	// tool is in one version, whatever p asks for, unless it comes with the product. Errors wrap ErrMissing where something must be
	// installed first.
	ProvisionTool(ctx context.Context, p Provisioning) (Tool, error)
	// ToolCommand is how the tool publishes, and nothing else, as a load says. It runs on a client host of the lab. Errors wrap
	// ErrUnsupported for a mode in which the tool cannot publish.
	ToolCommand(t Tool, l ToolLoad) (ToolCommand, error)
	// ToolRate reads from what the tool printed to its standard output how many messages a second were confirmed, or, in a mode without
	// confirmations, sent: without the time that the tool itself needs to get going. The output may lack its beginning.
	ToolRate(output string) (float64, error)
}

// Tool is a product's own benchmark, as it was found or built. It travels as JSON.
type Tool struct {
	Name    string // "nats bench", "kafka-producer-perf-test", "PerfTest"
	Version string
	Dir     string
	Whole   bool // its window is not a sliding one: it publishes all of it, waits until all is confirmed, and begins the next
}

// ToolLoad is what a tool is to do: the same as the harness's producers beside it.
type ToolLoad struct {
	Nodes     []Node
	Queue     Queue // made by the harness, empty
	Messages  int   // in all; for a tool that takes a number
	Length    time.Duration
	Size      int // bytes of a message
	Window    int // messages without a confirmation, of one producer
	Producers int
}

// Check refuses a load that no tool could carry out.
func (l ToolLoad) Check() error {
	switch {
	case len(l.Nodes) == 0:
		return errors.New("targets: a tool's load names no nodes")
	case l.Queue.Name == "":
		return errors.New("targets: a tool's load names no queue")
	case l.Size < 1 || l.Window < 1 || l.Producers < 1:
		return fmt.Errorf("targets: a tool's load is of %d bytes, a window of %d and %d producers: want at least 1 of each", l.Size, l.Window, l.Producers)
	case l.Messages < l.Producers && l.Length <= 0:
		return fmt.Errorf("targets: a tool's load is of %d messages in %v: want at least one of each producer, or a time", l.Messages, l.Length)
	}
	return nil
}

// ErrNoFigures is wrapped by ToolRate where the output lacks what the tool prints when all went well.
var ErrNoFigures = errors.New("no figures in what the tool printed")

// ToolCommand is one process.
type ToolCommand struct {
	Path string
	Args []string
	Env  []string
}
