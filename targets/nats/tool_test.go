package nats

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"waybill/targets"
	"waybill/targets/targettest"
)

func toolLoad(mode string) targets.ToolLoad {
	return targets.ToolLoad{
		Nodes: []targets.Node{{Name: "n1", Addr: "10.0.0.1:4222"}, {Name: "n2", Addr: "10.0.0.2:4222"}},
		Queue: targets.Queue{Name: "a queue", Mode: mode}, Messages: 1000, Size: 128, Window: 50, Producers: 2,
	}
}

func TestTheToolPublishesAsTheModeDoes(t *testing.T) {
	const before = "--server nats://10.0.0.1:4222,nats://10.0.0.2:4222 --no-context --timeout 30s bench "
	const after = " --clients 2 --msgs 1000 --size 128B --no-progress"
	for mode, want := range map[string]string{
		"core":            "pub a_queue.0",
		"jetstream":       "js pub async a_queue.0 --stream a_queue --batch 50",
		"jetstream-sync":  "js pub async a_queue.0 --stream a_queue --batch 50",
		"jetstream-dedup": "js pub async a_queue.0 --stream a_queue --batch 50 --dedup",
	} {
		c, err := target{}.ToolCommand(targets.Tool{Dir: "/cache"}, toolLoad(mode))
		if err != nil || c.Path != "/cache/nats" {
			t.Errorf("%s: %+v, %v", mode, c, err)
		}
		if diff := cmp.Diff(before+want+after, strings.Join(c.Args, " ")); diff != "" {
			t.Errorf("%s: %s", mode, diff)
		}
	}
	alone := toolLoad("jetstream")
	alone.Producers = 1
	if c, err := (target{}).ToolCommand(targets.Tool{}, alone); err != nil || c.Args[1] != "nats://10.0.0.1:4222" {
		t.Errorf("one client is not sent to the first server: %v, %v", c.Args, err)
	}
	endless := toolLoad("jetstream")
	endless.Messages, endless.Length = 0, 1
	for claim, l := range map[string]targets.ToolLoad{"of a mode that is not": toolLoad("none"), "without a number of messages": endless, "of nothing": {Queue: targets.Queue{Mode: "core"}}} {
		if c, err := (target{}).ToolCommand(targets.Tool{}, l); err == nil {
			t.Errorf("a load %s: %+v", claim, c)
		}
	}
}

func TestTheToolsRateIsReadFromWhatItPrinted(t *testing.T) {
	recorded := targettest.ToolOutputs(t)
	cut := recorded["jetstream"]
	for _, c := range []struct {
		claim, output string
		want          float64
	}{
		{"of several clients, all together", recorded["jetstream"], 94337},
		{"of the core's publisher", recorded["core"], 4629353},
		{"of one client", "NATS JetStream asynchronous publisher stats: 812 msgs/sec ~ 102 KiB/sec ~ 1231.53us\n", 812},
		{"after messages that were refused once", "publish acknowledgement is an error: nats: timeout (retrying)\n" + cut, 94337},
		{"not when it did not end", cut[:strings.Index(cut, "msgs/sec")], 0},
		{"not of a consumer", "NATS JetStream durable consumer (fetch) stats: 812 msgs/sec ~ 102 KiB/sec ~ 1231.53us\n", 0},
		{"not of two runs", cut + cut, 0},
		{"not when there was none", "NATS Core NATS publisher stats: 0 msgs/sec ~ 0 B/sec ~ 0.00us\n", 0},
	} {
		got, err := target{}.ToolRate(c.output)
		if got != c.want || (err == nil) != (c.want > 0) || err != nil && !errors.Is(err, targets.ErrNoFigures) {
			t.Errorf("%s: %v, %v; want %v", c.claim, got, err, c.want)
		}
	}
}

func FuzzToolRate(f *testing.F) {
	for _, text := range targettest.ToolOutputs(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rate, err := target{}.ToolRate(text)
		if (err == nil) != (rate > 0) {
			t.Errorf("%v, %v", rate, err)
		}
	})
}

func TestBuildingTheToolSaysWhatIsMissing(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("PATH", t.TempDir())
	if _, err := (target{}).ProvisionTool(t.Context(), targets.Provisioning{Cache: cache}); !errors.Is(err, targets.ErrMissing) || !strings.Contains(err.Error(), "there is no go in PATH") {
		t.Errorf("without Go: %v", err)
	}
	compiler := t.TempDir()
	script := func(text string) {
		if err := os.WriteFile(filepath.Join(compiler, "go"), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", compiler+":/bin:/usr/bin")
	script("echo 'dial tcp: no route to host'; exit 1")
	tool, err := target{}.ProvisionTool(t.Context(), targets.Provisioning{Cache: cache})
	if err == nil || !strings.Contains(err.Error(), "is there a network? Another call goes on from here. Go said: dial tcp: no route to host") {
		t.Errorf("without a network: %v", err)
	}
	if left, err := os.ReadDir(tool.Dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	script("grep -q 'natscli v" + toolVersion + "' go.mod && test -s go.sum && test \"$GOFLAGS\" = -mod=readonly && echo x > nats && echo built >> " + cache + "/log")
	for range 2 {
		if tool, err = (target{}).ProvisionTool(t.Context(), targets.Provisioning{Cache: cache, Log: t.Logf}); err != nil || tool.Version != "0.3.0" {
			t.Errorf("%+v, %v", tool, err)
		}
	}
	if log, err := os.ReadFile(cache + "/log"); err != nil || string(log) != "built\n" {
		t.Errorf("built %q, %v: want once", log, err)
	}
}
