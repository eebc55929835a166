package rabbitmq

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"waybill/targets"
	"waybill/targets/maven/maventest"
	"waybill/targets/targettest"
)

func toolLoad(mode string) targets.ToolLoad {
	return targets.ToolLoad{
		Nodes: []targets.Node{{Name: "n1", Addr: "10.0.0.1:5672"}, {Name: "n2", Addr: "10.0.0.2:5672"}},
		Queue: targets.Queue{Name: "q", Mode: mode}, Messages: 1000, Size: 128, Window: 50, Producers: 1,
	}
}

func TestTheToolPublishesAsTheModeDoes(t *testing.T) {
	t.Setenv("JAVA_HOME", maventest.Java(t, "17.0.1"))
	dir := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "libs"), 0o755), os.WriteFile(filepath.Join(dir, "libs", "a.jar"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	command := func(change func(*targets.ToolLoad)) string {
		l := toolLoad("quorum")
		change(&l)
		c, err := target{}.ToolCommand(targets.Tool{Dir: dir}, l)
		if err != nil {
			return err.Error()
		}
		return strings.Join(c.Args, " ")
	}
	const (
		one  = "-XX:-UsePerfData com.rabbitmq.perf.PerfTest --uris amqp://waybill:waybill@10.0.0.1:5672/%2F"
		into = " --predeclared --queue q --routing-key q --exchange amq.default --consumers 0"
	)
	for _, c := range []struct {
		claim  string
		change func(*targets.ToolLoad)
		want   string
	}{
		{"a number of messages, confirmed and persistent", func(*targets.ToolLoad) {}, one + into + " --producers 1 --size 128 --interval 1 --confirm 50 --flag persistent --pmessages 1000"},
		{"for a time, rounded up", func(l *targets.ToolLoad) { l.Length = 1500 * time.Millisecond }, one + into + " --producers 1 --size 128 --interval 1 --confirm 50 --flag persistent --time 2"},
		{"neither confirmed nor persistent", func(l *targets.ToolLoad) { l.Queue.Mode = "auto-ack" }, one + into + " --producers 1 --size 128 --interval 1 --pmessages 1000"},
		{"several producers, a share each", func(l *targets.ToolLoad) { l.Producers = 4 }, one + ",amqp://waybill:waybill@10.0.0.2:5672/%2F" + into + " --producers 4 --size 128 --interval 1 --confirm 50 --flag persistent --pmessages 250"},
		{"messages astray are not to be had", func(l *targets.ToolLoad) { l.Queue.Mode = "mandatory" }, "rabbitmq: mode mandatory is not supported by PerfTest, which publishes all messages with one routing key"},
		{"a mode that is not", func(l *targets.ToolLoad) { l.Queue.Mode = "none" }, "rabbitmq: no mode \"none\": want one of [\"auto-ack\" \"classic-confirms\" \"mirrored\" \"quorum\" \"quorum-ledger\" \"unroutable\" \"mandatory\"]"},
	} {
		if diff := cmp.Diff(c.want, command(c.change)); diff != "" {
			t.Errorf("%s: %s", c.claim, diff)
		}
	}
	if _, err := (target{}).ToolCommand(targets.Tool{Dir: t.TempDir()}, toolLoad("quorum")); err == nil || !strings.Contains(err.Error(), "waybill provision --tools rabbitmq") {
		t.Errorf("without jars: %v", err)
	}
}

func TestFetchingTheToolSaysWhatIsMissing(t *testing.T) {
	cache := t.TempDir()
	fetch := func() error {
		_, err := target{}.ProvisionTool(t.Context(), targets.Provisioning{Cache: cache})
		return err
	}
	maventest.Maven(t, "grep -q perf-test.version $4 || exit 1; mkdir -p $OUT; echo '[ERROR] Unknown host'; exit 1")
	t.Setenv("JAVA_HOME", maventest.Java(t, "17.0.1"))
	if err := fetch(); err == nil || !strings.Contains(err.Error(), "is there a network?") {
		t.Errorf("without a network: %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if err := fetch(); !errors.Is(err, targets.ErrMissing) || !strings.Contains(err.Error(), "apt-get install maven") {
		t.Errorf("without Maven: %v", err)
	}
	t.Setenv("JAVA_HOME", maventest.Java(t, "1.7.0_80"))
	if err := fetch(); !errors.Is(err, targets.ErrMissing) || !strings.Contains(err.Error(), "no Java 8 or newer") {
		t.Errorf("without Java: %v", err)
	}
}

func TestTheToolsRateIsReadFromWhatItPrinted(t *testing.T) {
	recorded := targettest.ToolOutputs(t)
	const (
		first = "id: test-1, time: 1.000s, sent: 100 msg/s, confirmed: 40 msg/s, nacked: 0 msg/s, min/median/75th/95th/99th confirm latency: 1/2/3/4/5 µs\n"
		later = "id: test-1, time: 5.000s, sent: 100 msg/s, confirmed: 50 msg/s, nacked: 0 msg/s, min/median/75th/95th/99th confirm latency: 1/2/3/4/5 µs\n"
		long  = "id: test-1, time: 8.000s, sent: 100 msg/s, confirmed: 90 msg/s, nacked: 0 msg/s, min/median/75th/95th/99th confirm latency: 1/2/3/4/5 µs\n"
		last  = "id: test-1, time: 9.000s, sent: 100 msg/s, confirmed: 50 msg/s, nacked: 0 msg/s, min/median/75th/95th/99th confirm latency: 1/2/3/4/5 µs\n"
	)
	for _, c := range []struct {
		claim, output string
		want          float64
	}{
		{"the second half of a short run", recorded["mirrored"], 5898},
		{"the second half of one of eight seconds", recorded["quorum-8s"], (6805*1.002 + 7033*1.124 + 4745*1.022) / 3.148},
		{"the tool's own, of one that is too short", recorded["quorum"], 10899},
		{"what was sent, without confirmations", "id: test-1, time: 1.000s, sent: 10 msg/s\nid: test-1, time: 2.000s, sent: 20 msg/s\n", 20},
		{"the tool's own, of a run without a line", recorded["auto-ack"], 29027},
		{"by the length of what each line is about", first + later + long + last, (3*90 + 50) / 4.},
		{"without a line of which it is not known where it begins", long + last, 50},
		{"not when time goes back", last + first, 0},
		{"not of nothing", "test stopped (Reached time limit)\n", 0},
	} {
		got, err := target{}.ToolRate(c.output)
		if math.Abs(got-c.want) > 1 || (err == nil) != (c.want > 0) || err != nil && !errors.Is(err, targets.ErrNoFigures) {
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
		if (err == nil) != (rate > 0) || math.IsNaN(rate) || math.IsInf(rate, 0) {
			t.Errorf("%v, %v", rate, err)
		}
	})
}
