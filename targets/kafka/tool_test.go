package kafka

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
	"waybill/targets"
	"waybill/targets/maven/maventest"
	"waybill/targets/targettest"
)

func toolLoad(mode string) targets.ToolLoad {
	return targets.ToolLoad{
		Nodes: []targets.Node{{Name: "n1", Addr: "10.0.0.1:9092"}, {Name: "n2", Addr: "10.0.0.2:9092"}},
		Queue: targets.Queue{Name: "q", Mode: mode}, Messages: 1000, Size: 128, Window: 1024, Producers: 2,
	}
}

func TestTheToolsProducerIsSetAsTheModes(t *testing.T) {
	t.Setenv("JAVA_HOME", maventest.Java(t, "21.0.1"))
	ready := preparedIn(t.TempDir())
	if err := errors.Join(os.Mkdir(ready.Libs(), 0o755), os.WriteFile(filepath.Join(ready.Libs(), "a.jar"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ mode, acks, idempotent string }{
		{"acks-0", "acks=0", "enable.idempotence=false"},
		{"acks-1", "acks=1", "enable.idempotence=false"},
		{"acks-all", "acks=all", "enable.idempotence=false"},
		{"acks-all-fsync", "acks=all", "enable.idempotence=false"},
		{"idempotent", "acks=all", "enable.idempotence=true"},
		{"transactional", "acks=all", "enable.idempotence=true"},
	} {
		got, err := target{}.ToolCommand(targets.Tool{Dir: ready.Dir}, toolLoad(c.mode))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{c.acks, c.idempotent, "linger.ms=5", "bootstrap.servers=10.0.0.1:9092,10.0.0.2:9092", toolClass} {
			if !slices.Contains(got.Args, want) {
				t.Errorf("%s: no %q among %q", c.mode, want, got.Args)
			}
		}
		text := strings.Join(got.Args, " ")
		if !strings.Contains(text, " --topic q --num-records 1000 --record-size 128 --throughput -1 --producer-props ") || !slices.Equal(got.Env, []string{"CLASSPATH=" + filepath.Join(ready.Libs(), "a.jar")}) {
			t.Errorf("%s: %s with %q", c.mode, text, got.Env)
		}
	}
	timed := toolLoad("acks-all")
	timed.Messages, timed.Length = 0, 1
	for claim, l := range map[string]targets.ToolLoad{"of a mode that is not": toolLoad("none"), "without a number of messages": timed, "of nothing": {Queue: targets.Queue{Mode: "acks-1"}}} {
		if c, err := (target{}).ToolCommand(targets.Tool{Dir: ready.Dir}, l); err == nil {
			t.Errorf("a load %s: %+v", claim, c)
		}
	}
	if _, err := (target{}).ToolCommand(targets.Tool{Dir: t.TempDir()}, toolLoad("acks-all")); err == nil || !strings.Contains(err.Error(), "waybill provision kafka") {
		t.Errorf("without jars: %v", err)
	}
}

// The tool must never be given less than the window, and little more.
func TestTheToolsMemoryHoldsTheWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		window, size := rapid.IntRange(1, 1<<20).Draw(t, "window"), rapid.IntRange(1, 1<<16).Draw(t, "size")
		batch, memory := toolBuffers(window, size)
		record := size + recordOverhead
		if memory%batch != 0 || memory < window*record || memory > window*record+2*batch || memory < 2*batch {
			t.Fatalf("batches of %d in %d bytes, for %d records of %d", batch, memory, window, record)
		}
		if batch < batchFixed+record && batch < defaultBatch || batch > defaultBatch {
			t.Fatalf("batches of %d bytes, for records of %d", batch, record)
		}
	})
	if batch, memory := toolBuffers(1024, 128); batch != defaultBatch || memory != 9*defaultBatch {
		t.Errorf("a window of 1024 records of 128 bytes: batches of %d in %d bytes", batch, memory)
	}
}

const (
	toolWindow = "250000 records sent, 50000.0 records/sec (6.10 MB/sec), 17.2 ms avg latency, 381.0 ms max latency.\n"
	toolFaster = "400000 records sent, 80000.0 records/sec (9.77 MB/sec), 12.0 ms avg latency, 61.0 ms max latency.\n"
	toolEnd    = "1050000 records sent, 70000.000000 records/sec (8.54 MB/sec), 13.12 ms avg latency, 381.00 ms max latency, 11 ms 50th, 31 ms 95th, 58 ms 99th, 70 ms 99.9th.\n"
	toolSoon   = "280000 records sent, 50908.1 records/sec (6.21 MB/sec), 13.12 ms avg latency, 381.00 ms max latency, 11 ms 50th, 31 ms 95th, 58 ms 99th, 70 ms 99.9th.\n"
)

func TestTheToolsRateIsReadFromWhatItPrinted(t *testing.T) {
	recorded := targettest.ToolOutputs(t)
	for _, c := range []struct {
		claim, output string
		want          float64
	}{
		{"of a run within one window, the tool's own", recorded["acks-all"], 13976.2},
		{"behind what the JVM says", recorded["acks-0"], 18518.5},
		{"without the first window", toolWindow + toolFaster + toolFaster + toolEnd, 80000},
		{"of a run that ended just after it, the tool's own", toolWindow + toolSoon, 50908.1},
		{"not when it did not end", toolWindow + toolFaster, 0},
		{"not of two runs", toolEnd + toolEnd, 0},
		{"not when nothing was confirmed", "0 records sent, NaN records/sec (NaN MB/sec), NaN ms avg latency, 0.00 ms max latency, 0 ms 50th, 0 ms 95th, 0 ms 99th, 0 ms 99.9th.\n", 0},
	} {
		got, err := target{}.ToolRate(c.output)
		if math.Abs(got-c.want) > 1e-6 || (err == nil) != (c.want > 0) || err != nil && !errors.Is(err, targets.ErrNoFigures) {
			t.Errorf("%s: %v, %v; want %v", c.claim, got, err, c.want)
		}
	}
}

func FuzzToolRate(f *testing.F) {
	for _, text := range targettest.ToolOutputs(f) {
		f.Add(text)
	}
	f.Add(toolWindow + toolFaster + toolEnd)
	f.Fuzz(func(t *testing.T, text string) {
		rate, err := target{}.ToolRate(text)
		if (err == nil) != (rate > 0) || math.IsNaN(rate) || math.IsInf(rate, 0) {
			t.Errorf("%v, %v", rate, err)
		}
	})
}
