package kafka

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	clientPort     = 9092
	controllerPort = 9093

	roleBroker     = "broker"
	roleController = "controller"

	brokerHeap     = "512m"
	controllerHeap = "256m"
)

// server is one process as its configuration describes it.
type server struct {
	id     int
	roles  []string
	host   string // address it listens at
	dir    string
	client int // port of the broker's listener
	voters []voter
	copies int // of each topic
	fsync  bool
}

// voter is a member of the quorum that keeps the cluster's metadata.
type voter struct {
	id   int
	host string
	port int
}

func (s server) is(role string) bool { return slices.Contains(s.roles, role) }

// dataDir is the folder below a host's own where a broker keeps all that must survive it.
const dataDir = "data"

func (s server) data() string { return filepath.Join(s.dir, dataDir) }

// properties is the server's configuration file: everything not said here is the product's default.
func (s server) properties() string {
	var listeners, voters []string
	if s.is(roleBroker) {
		listeners = append(listeners, fmt.Sprintf("PLAINTEXT://%s:%d", s.host, s.client))
	}
	for _, v := range s.voters {
		voters = append(voters, fmt.Sprintf("%d@%s:%d", v.id, v.host, v.port))
		if v.id == s.id {
			listeners = append(listeners, fmt.Sprintf("CONTROLLER://%s:%d", v.host, v.port))
		}
	}
	var b strings.Builder
	put := func(name, value string) { fmt.Fprintf(&b, "%s=%s\n", name, value) }
	put("process.roles", strings.Join(s.roles, ","))
	put("node.id", strconv.Itoa(s.id))
	put("controller.quorum.voters", strings.Join(voters, ","))
	put("controller.listener.names", "CONTROLLER")
	put("listener.security.protocol.map", "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT")
	put("listeners", strings.Join(listeners, ","))
	put("log.dirs", s.data())
	for _, x := range brokerSettings(s.copies) {
		put(x.name, x.value)
	}
	if s.fsync {
		put(flushSetting.name, flushSetting.value)
	}
	return b.String()
}

func (s server) propertiesFile() string { return filepath.Join(s.dir, "server.properties") }

// write puts the configuration where the process finds it.
func (s server) write() error {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return fmt.Errorf("kafka: folder of node %d: %w", s.id, err)
	}
	for path, text := range map[string]string{s.propertiesFile(): s.properties(), s.reload4jFile(): reload4j, s.log4jFile(): log4j} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return fmt.Errorf("kafka: configuration of node %d: %w", s.id, err)
		}
	}
	return nil
}

// arguments of java that run the server. The flags are for a short start on few processors; what they change of the
// product's own start script (1 GiB of heap, the G1 collector, both compilers) is in the settings.
func (s server) arguments() []string {
	return append(s.jvm(), "kafka.Kafka", s.propertiesFile())
}

func (s server) jvm() []string {
	heap := controllerHeap
	if s.is(roleBroker) {
		heap = brokerHeap
	}
	return slices.Concat([]string{"-Xmx" + heap}, quickStart(), s.logging())
}

// quickStart are the flags of every JVM here.
func quickStart() []string {
	return []string{"-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError", "-Djava.net.preferIPv4Stack=true", "-Djava.awt.headless=true"}
}
