package nats

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"waybill/targets"
)

// toolTimeout is how long the tool waits for the confirmations of a batch before it gives up.
const toolTimeout = "30s"

// ToolCommand implements targets.Rival. The tool publishes to the stream that is there: on one subject, which costs the server less than the
// many that the harness's keys make. Its window is a batch: see targets.Tool.Whole. It is told of as many servers as it has clients: of those it
// knows it takes any, and the harness's first client goes to the first.
func (target) ToolCommand(t targets.Tool, l targets.ToolLoad) (targets.ToolCommand, error) {
	m, ok := modeOf(l.Queue.Mode)
	if !ok {
		return targets.ToolCommand{}, fmt.Errorf("nats: no mode %q: want one of %q", l.Queue.Mode, modeNames())
	}
	if err := l.Check(); err != nil {
		return targets.ToolCommand{}, err
	}
	if l.Messages < l.Producers {
		return targets.ToolCommand{}, fmt.Errorf("nats: nats bench ends after a number of messages, and %d were asked for", l.Messages)
	}
	var urls []string
	for _, n := range l.Nodes[:min(len(l.Nodes), l.Producers)] {
		urls = append(urls, "nats://"+n.Addr)
	}
	n := namesOf(l.Queue.Name)
	args := []string{"--server", strings.Join(urls, ","), "--no-context", "--timeout", toolTimeout, "bench"}
	if m.stream {
		args = append(args, "js", "pub", "async", n.subject(0), "--stream", n.stream, "--batch", strconv.Itoa(l.Window))
		if m.identified {
			args = append(args, "--dedup")
		}
	} else {
		args = append(args, "pub", n.subject(0))
	}
	args = append(args, "--clients", strconv.Itoa(l.Producers), "--msgs", strconv.Itoa(l.Messages), "--size", strconv.Itoa(l.Size)+"B", "--no-progress")
	// Nobody's own settings: neither a context nor a password of whoever runs this.
	env := []string{"HOME=" + t.Dir, "XDG_CONFIG_HOME=" + t.Dir, "NATS_URL=", "NATS_CONTEXT=", "NATS_USER=", "NATS_PASSWORD=", "NATS_CREDS=", "NATS_NKEY="}
	return targets.ToolCommand{Path: filepath.Join(t.Dir, toolProgram), Args: args, Env: env}, nil
}

// toolFigure is the line with the rate: of the one client, or of all together. The time that it is over begins when all clients are
// connected, and ends with the last confirmation.
var toolFigure = regexp.MustCompile(`(?m)^NATS (?:JetStream asynchronous publisher|Core NATS publisher) (?:aggregated )?stats: ([0-9]{1,3}(?:,[0-9]{3})*) msgs/sec\b`)

// ToolRate implements targets.Rival: the tool's own figure. Nothing is taken off for warming up, since the program is compiled ahead and its
// clock starts late. A refused message was published once more, and is in the figure once.
func (target) ToolRate(output string) (float64, error) {
	found := toolFigure.FindAllStringSubmatch(output, -1)
	if len(found) != 1 {
		return 0, fmt.Errorf("nats: %w: want one line \"NATS … stats: … msgs/sec\", got %d", targets.ErrNoFigures, len(found))
	}
	rate, err := strconv.ParseFloat(strings.ReplaceAll(found[0][1], ",", ""), 64)
	if err != nil || rate <= 0 {
		return 0, fmt.Errorf("nats: %w: %q messages a second", targets.ErrNoFigures, found[0][1])
	}
	return rate, nil
}
