package rabbitmq

import (
	"context"
	_ "embed"
	"fmt"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"waybill/targets"
	"waybill/targets/maven"
	"waybill/targets/provision"
)

//go:embed perf-test.xml
var toolPOM string

// toolVersion is that of perf-test.xml.
var toolVersion = toolVersionIn(toolPOM)

func toolVersionIn(pom string) string {
	m := regexp.MustCompile(`<perf-test\.version>([^<]+)<`).FindStringSubmatch(pom)
	if m == nil {
		panic("rabbitmq: perf-test.xml has no perf-test.version")
	}
	return m[1]
}

const (
	toolClass = "com.rabbitmq.perf.PerfTest"
	toolJava  = 8 // the oldest Java that it runs on
)

// ProvisionTool implements targets.Rival: Maven fetches the tool. With everything in the cache it needs neither Maven nor a network.
func (target) ProvisionTool(ctx context.Context, p targets.Provisioning) (targets.Tool, error) {
	log := p.Log
	if log == nil {
		log = func(string, ...any) {}
	}
	t := targets.Tool{Name: "PerfTest", Version: toolVersion, Dir: filepath.Join(p.Cache, "perf-test-"+toolVersion)}
	if _, err := maven.FindJava(ctx, toolJava); err != nil {
		return t, fmt.Errorf("rabbitmq: PerfTest: %w", err)
	}
	unlock, err := provision.Lock(ctx, p.Cache)
	if err != nil {
		return t, fmt.Errorf("rabbitmq: %w", err)
	}
	defer unlock()
	if err := os.MkdirAll(t.Dir, 0o755); err != nil {
		return t, fmt.Errorf("rabbitmq: cache: %w", err)
	}
	set := maven.Set{Name: "PerfTest " + toolVersion, Size: "5 MB", POM: toolPOM}
	if err := set.Complete(ctx, maven.Folder{Dir: t.Dir}, log); err != nil {
		return t, fmt.Errorf("rabbitmq: PerfTest: %w", err)
	}
	return t, nil
}

// ToolCommand implements targets.Rival. The tool publishes through the default exchange into the queue that is there, each of its producers on
// a connection of its own, with confirmations where the mode has them. One producer connects to the first node, as ours does; several are
// spread over the nodes by chance, since the tool lets nobody say where each goes.
func (target) ToolCommand(t targets.Tool, l targets.ToolLoad) (targets.ToolCommand, error) {
	none := targets.ToolCommand{}
	m, ok := modeOf(l.Queue.Mode)
	if !ok {
		return none, fmt.Errorf("rabbitmq: no mode %q: want one of %q", l.Queue.Mode, modeNames())
	}
	if err := l.Check(); err != nil {
		return none, err
	}
	if m.astray {
		return none, fmt.Errorf("rabbitmq: mode %s is %w by PerfTest, which publishes all messages with one routing key", m.Name, targets.ErrUnsupported)
	}
	j, err := maven.FindJava(context.Background(), toolJava)
	if err != nil {
		return none, fmt.Errorf("rabbitmq: PerfTest: %w", err)
	}
	path, err := maven.Folder{Dir: t.Dir}.ClassPath()
	if err != nil {
		return none, fmt.Errorf("rabbitmq: PerfTest: run `waybill provision --tools rabbitmq`: %w", err)
	}
	var uris []string
	for _, n := range l.Nodes[:min(l.Producers, len(l.Nodes))] {
		u := url.URL{Scheme: "amqp", User: url.UserPassword(brokerUser, brokerPassword), Host: n.Addr}
		uris = append(uris, u.String()+"/"+url.QueryEscape(vhost))
	}
	n := namesOf(l.Queue.Name)
	args := []string{"-XX:-UsePerfData", toolClass, "--uris", strings.Join(uris, ","), "--predeclared", "--queue", n.queue, "--routing-key", n.key, "--exchange", "amq.default",
		"--consumers", "0", "--producers", strconv.Itoa(l.Producers), "--size", strconv.Itoa(l.Size), "--interval", "1"}
	if m.Traits.Confirms {
		args = append(args, "--confirm", strconv.Itoa(l.Window))
	}
	if m.persistent {
		args = append(args, "--flag", "persistent")
	}
	if l.Length > 0 {
		args = append(args, "--time", strconv.FormatInt(int64(math.Ceil(l.Length.Seconds())), 10))
	} else {
		args = append(args, "--pmessages", strconv.Itoa(l.Messages/l.Producers))
	}
	return targets.ToolCommand{Path: j.Path, Args: args, Env: []string{"CLASSPATH=" + path}}, nil
}

// toolLine is what the tool prints once a second: rates of that second, of all producers together.
var toolLine = regexp.MustCompile(`(?m)^id: \S+, time: ([0-9]+\.[0-9]+)\s?s, sent: ([0-9]+) msg/s(?:, returned: [0-9]+ msg/s)?(?:, confirmed: ([0-9]+) msg/s)?`)

// toolWarm is what the tool gets to connect and the JVM to compile; of a run of less than twice that, the first half.
const toolWarm = 5 * time.Second

// toolAverage is what it prints at its end: of what was sent in all of its time.
var toolAverage = regexp.MustCompile(`(?m)^id: \S+, sending rate avg: ([0-9]+) msg/s`)

// ToolRate implements targets.Rival: the mean of what was confirmed, or where the tool asked for no confirmations, sent, in the lines that are
// about what came after the warm-up. Of a run too short for that it is the tool's own average.
func (target) ToolRate(output string) (float64, error) {
	type line struct{ from, to, rate float64 } // seconds, messages a second
	var lines []line
	var last float64
	for _, m := range toolLine.FindAllStringSubmatch(output, -1) {
		at, err := strconv.ParseFloat(m[1], 64)
		figure := m[3]
		if figure == "" {
			figure = m[2]
		}
		rate, rerr := strconv.ParseFloat(figure, 64)
		if err != nil || rerr != nil || at <= last {
			return 0, fmt.Errorf("rabbitmq: %w: line %q", targets.ErrNoFigures, m[0])
		}
		lines = append(lines, line{last, at, rate}) // the first is never looked at: how long it is about is not known where the output lacks its beginning
		last = at
	}
	warm := min(toolWarm.Seconds(), last/2)
	var messages, seconds float64
	for _, x := range lines {
		if x.from >= warm {
			messages += x.rate * (x.to - x.from)
			seconds += x.to - x.from
		}
	}
	if messages > 0 {
		return messages / seconds, nil
	}
	if m := toolAverage.FindStringSubmatch(output); m != nil {
		if rate, err := strconv.ParseFloat(m[1], 64); err == nil && rate > 0 {
			return rate, nil
		}
	}
	return 0, fmt.Errorf("rabbitmq: %w: want lines \"id: …, time: …, sent: …\" with messages after the first %.1f s, got %d lines", targets.ErrNoFigures, warm, len(lines))
}
