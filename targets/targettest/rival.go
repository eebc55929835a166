package targettest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"waybill/harness/lab"
	"waybill/harness/semantics"
	"waybill/targets"
)

// rivalLoad is what a tool is asked to do: few messages of a real size, since only their number is checked.
const (
	rivalMessages  = 20_000
	rivalSize      = 128
	rivalWindow    = 500
	rivalProducers = 2
	rivalWithin    = time.Minute
)

// Rival runs a product's own benchmark tool in modes of the first profile: the tool must understand what it is told, publish as many
// messages as it was told to into the queue that the harness made, and print a rate that could be true. It is called inside a lab, and adds to
// it what Run does.
func Rival(t *testing.T, tgt targets.Target, dist targets.Distribution, tool targets.Tool, l *lab.Lab, modes ...string) {
	e := environmentOf(tgt, dist, l)
	e.firstProfile()
	e.start(t)
	for _, name := range modes {
		t.Run(name, func(t *testing.T) {
			i := slices.IndexFunc(e.description.Modes, func(m semantics.Mode) bool { return m.Name == name })
			if i < 0 {
				t.Fatal("there is no such mode")
			}
			m := e.description.Modes[i]
			q := e.queue(t, m)
			output, took := e.rival(t, tgt.(targets.Rival), tool, q)
			t.Logf("in %v it printed\n%s", took.Round(time.Millisecond), output)
			rate, err := tgt.(targets.Rival).ToolRate(output)
			if least := rivalMessages / took.Seconds(); err != nil || rate < least {
				t.Errorf("a rate of %.0f/s, %v: want at least the %.0f/s of the whole process", rate, err, least)
			}
			e.holds(t, m, q, rivalMessages)
		})
	}
}

// rival runs the tool to its end and returns what it printed.
func (e *environment) rival(t *testing.T, r targets.Rival, tool targets.Tool, q targets.Queue) (output string, took time.Duration) {
	t.Helper()
	c, err := r.ToolCommand(tool, targets.ToolLoad{
		Nodes: e.cluster.Nodes(), Queue: q, Messages: rivalMessages, Size: rivalSize, Window: rivalWindow, Producers: rivalProducers,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, began := within(t, rivalWithin), time.Now()
	p, err := e.client.Start(ctx, lab.Proc{Name: "tool-" + q.Name, Path: c.Path, Args: c.Args, Env: c.Env})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.Done():
	case <-ctx.Done():
		t.Fatalf("%s does not end: %v", tool.Name, c.Args)
	}
	took = time.Since(began)
	text, err := os.ReadFile(filepath.Join(e.client.Dir(), "tool-"+q.Name+".stdout"))
	if x := p.Exit(); err != nil || x.Code != 0 {
		t.Fatalf("%s ended with code %d, %v; it said\n%s\n%s", tool.Name, x.Code, err, text, x.Stderr)
	}
	return string(text), took
}

// holds fails t unless a queue comes to hold so many messages, as far as its store can be looked into: by a scan of replicas, or else by what
// the broker says. There it may be fewer by what was on the way when the tool ended, since not every tool waits for its last confirmations.
func (e *environment) holds(t *testing.T, m semantics.Mode, q targets.Queue, want int) {
	t.Helper()
	if !m.Traits.CanDrain() {
		return
	}
	ctx := within(t, 30*time.Second)
	i, err := e.dial(t, e.config(q, 0)).Inspector(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, i)
	least := want
	if !m.Traits.Scannable {
		least -= rivalWindow * rivalProducers
	}
	eventually(t, ctx, fmt.Sprintf("the queue holds %d to %d messages", least, want), func() error {
		d, err := i.Depth(ctx)
		if n := int(d.Ready + d.Unacked); err == nil && (n < least || n > want) {
			err = fmt.Errorf("it says %+v", d)
		}
		return err
	})
	if !m.Traits.Scannable {
		return
	}
	for replica, copies := range e.scan(t, q).copies {
		if len(copies) != want {
			t.Errorf("replica %s holds %d messages, want %d", replica, len(copies), want)
		}
		for _, c := range copies {
			if len(c.Payload) != rivalSize {
				t.Fatalf("replica %s holds a message of %d bytes, want %d", replica, len(c.Payload), rivalSize)
			}
		}
	}
}

// ToolOutputs are what the tool of the target under test printed in real runs: the files of testdata/tool, by name.
func ToolOutputs(t testing.TB) map[string]string {
	t.Helper()
	files, err := filepath.Glob("testdata/tool/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no recorded outputs", err)
	}
	all := map[string]string{}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(path), ".txt")] = string(text)
	}
	return all
}
