package nats

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
	"waybill/harness/reexec"
)

// serverProgram is the name under which this binary is the broker.
const serverProgram = "nats-server"

// The system account lets the harness ask each node about itself. Its password protects nothing: it never leaves the lab.
const systemUser = "waybill"

func init() { reexec.Register(serverProgram, serverMain) }

// dataDir is the folder below a host's own where the server keeps all that must survive it.
const dataDir = "store"

// serverMain runs one broker with the configuration file named by its only argument until it is killed.
func serverMain(args []string) int {
	if len(args) != 1 {
		fmt.Fprintf(os.Stderr, "nats: %s wants one argument, its configuration file; got %q\n", serverProgram, args)
		return 3
	}
	opts, err := server.ProcessConfigFile(args[0])
	if err != nil {
		fmt.Fprintf(os.Stderr, "nats: configuration %s: %v\n", args[0], err)
		return 3
	}
	s, err := server.NewServer(opts)
	if err != nil {
		fmt.Fprintf(os.Stderr, "nats: %v\n", err)
		return 4
	}
	s.ConfigureLogger()
	s.Start()
	s.WaitForShutdown()
	return 0
}

// machine is what a broker runs on: a lab host, or in tests a folder and a few ports on loopback.
type machine struct {
	name   string
	client string // host:port for clients
	route  string // host:port for the other nodes
	dir    string
	start  func(ctx context.Context, config string) (process, error)
}

// process is a running broker.
type process interface {
	Done() <-chan struct{}
	Why() string // it ended, after Done
}

// configText is a node's configuration file: everything not said here is the server's default.
func configText(profile string, m machine, all []machine) string {
	routes := make([]string, 0, len(all))
	for _, o := range all {
		routes = append(routes, "nats://"+o.route)
	}
	return fmt.Sprintf(`server_name: %q
listen: %q
ping_interval: %q
logtime: true
cluster {
  name: "waybill"
  listen: %q
  ping_interval: %q
  routes: [ %s ]
}
jetstream {
  store_dir: %q
  max_memory_store: %d
  max_file_store: %d
%s}
accounts {
  $SYS { users: [ { user: %q, password: %q } ] }
}
`, m.name, m.client, serverPing, m.route, routePing, strings.Join(routes, ", "), filepath.Join(m.dir, dataDir),
		maxMemory, maxFile, syncLine(profile), systemUser, systemUser)
}

// syncLine is what a profile says about syncing to disk: nothing, where the server's default holds.
func syncLine(profile string) string {
	if profile == syncProfile {
		return "  sync_interval: always\n"
	}
	return ""
}

// writeConfig puts the configuration where the node's process finds it.
func writeConfig(profile string, m machine, all []machine) (string, error) {
	path := filepath.Join(m.dir, "nats-server.conf")
	if err := os.MkdirAll(m.dir, 0o755); err != nil {
		return "", fmt.Errorf("nats: folder of %s: %w", m.name, err)
	}
	if err := os.WriteFile(path, []byte(configText(profile, m, all)), 0o644); err != nil {
		return "", fmt.Errorf("nats: configuration of %s: %w", m.name, err)
	}
	return path, nil
}
