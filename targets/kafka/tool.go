package kafka

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"waybill/targets"
	"waybill/targets/maven"
)

// The tool, and what its start script gives the JVM. Without the JVM's own figures, whose file all hosts of a lab would share, it prints no
// warning about that.
const (
	toolClass = "org.apache.kafka.tools.ProducerPerformance"
	toolName  = "kafka-producer-perf-test"
)

func toolJVM() []string {
	return []string{"-Xmx512M", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35",
		"-XX:+ExplicitGCInvokesConcurrent", "-XX:-UsePerfData", "-Djava.awt.headless=true", "-Djava.net.preferIPv4Stack=true"}
}

// ProvisionTool implements targets.Rival: the tool is among the jars of the product, in its version.
func (t target) ProvisionTool(ctx context.Context, p targets.Provisioning) (targets.Tool, error) {
	d, err := t.Provision(ctx, p)
	return targets.Tool{Name: toolName, Version: d.Version, Dir: d.Dir}, err
}

// ToolCommand implements targets.Rival. However many producers the load has, the tool is one process with one producer whose window is that
// of all together: Java's producer is made to be shared, and a second JVM would only take processors from the brokers.
func (target) ToolCommand(t targets.Tool, l targets.ToolLoad) (targets.ToolCommand, error) {
	none := targets.ToolCommand{}
	m, ok := modeOf(l.Queue.Mode)
	if !ok {
		return none, fmt.Errorf("kafka: no mode %q: want one of %q", l.Queue.Mode, modeNames())
	}
	if err := l.Check(); err != nil {
		return none, err
	}
	if l.Messages < 1 {
		return none, fmt.Errorf("kafka: %s ends after a number of messages, and %d were asked for", toolName, l.Messages)
	}
	j, err := maven.FindJava(context.Background(), oldestJava)
	if err != nil {
		return none, fmt.Errorf("kafka: %s: %w", toolName, err)
	}
	path, err := preparedIn(t.Dir).classPath()
	if err != nil {
		return none, err
	}
	args := append(toolJVM(), toolClass, "--topic", namesOf(l.Queue.Name).topic, "--num-records", strconv.Itoa(l.Messages),
		"--record-size", strconv.Itoa(l.Size), "--throughput", "-1", "--producer-props")
	return targets.ToolCommand{Path: j.Path, Args: append(args, toolProperties(m, l)...), Env: []string{"CLASSPATH=" + path}}, nil
}

// toolProperties are the settings of the tool's producer. Acknowledgements, idempotence, linger and compression are those of ours. How many
// requests may be on the way at once is the product's own default, of which ours uses no more.
func toolProperties(m mode, l targets.ToolLoad) []string {
	var brokers []string
	for _, n := range l.Nodes {
		brokers = append(brokers, n.Addr)
	}
	batch, memory := toolBuffers(l.Window*l.Producers, l.Size)
	return []string{
		"bootstrap.servers=" + strings.Join(brokers, ","),
		"acks=" + map[acks]string{acksNone: "0", acksLeader: "1", acksAll: "all"}[m.acks],
		"enable.idempotence=" + strconv.FormatBool(m.idempotent),
		"linger.ms=" + strconv.FormatInt(linger.Milliseconds(), 10),
		"batch.size=" + strconv.Itoa(batch),
		"buffer.memory=" + strconv.Itoa(memory),
	}
}

const (
	defaultBatch   = 16384 // bytes: the product's default of batch.size
	recordOverhead = 12    // bytes of a record without key and headers beside its payload, about
	leastBatches   = 8     // in a window: two for each partition, so that one fills while another is on the way
)

// toolBuffers make a window out of memory, since Java's producer has no other limit of what it has not been told about: as many batches as
// hold so many records, rounded up. A small window gets smaller batches, so that it does not become one batch after another.
func toolBuffers(window, size int) (batch, memory int) {
	record := size + recordOverhead
	batch = min(defaultBatch, max(batchFixed+record, window*record/leastBatches))
	return batch, max((window*record+batch-1)/batch, 2) * batch
}

// What the tool prints: a line for a window of about five seconds, and one for all of its time. Both count records whose confirmation came.
var (
	toolLine  = regexp.MustCompile(`(?m)^([0-9]+) records sent, ([0-9]+(?:\.[0-9]+)?) records/sec \(.*ms max latency(.*)$`)
	toolTotal = "50th" // is in the last line alone
)

// steadyLeast is how many of its seconds must be left for the tool's first window to be taken off.
const steadyLeast = 1

// ToolRate implements targets.Rival: all of the tool's time but its first window, in which the JVM compiles. Of a run that was not much longer
// than that window it is the tool's own figure for the whole.
func (target) ToolRate(output string) (float64, error) {
	var windows, totals [][2]float64 // records, seconds
	for _, m := range toolLine.FindAllStringSubmatch(output, -1) {
		n, err := strconv.ParseFloat(m[1], 64)
		rate, rerr := strconv.ParseFloat(m[2], 64)
		if err != nil || rerr != nil || n <= 0 || rate <= 0 {
			continue // a window in which nothing was confirmed
		}
		if f := [2]float64{n, n / rate}; strings.Contains(m[3], toolTotal) {
			totals = append(totals, f)
		} else {
			windows = append(windows, f)
		}
	}
	if len(totals) != 1 {
		return 0, fmt.Errorf("kafka: %w: want one line \"… records sent, … 50th, …\", got %d", targets.ErrNoFigures, len(totals))
	}
	n, seconds := totals[0][0], totals[0][1]
	if len(windows) > 0 && n > windows[0][0] && seconds-windows[0][1] >= steadyLeast {
		n, seconds = n-windows[0][0], seconds-windows[0][1]
	}
	return n / seconds, nil
}
