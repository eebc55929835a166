package rabbitmq

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
)

// machine is what one node runs on: an address and a folder of its own.
type machine struct {
	name string // of the host
	addr netip.Addr
	dir  string
}

// dataDir is the folder below a host's own where a broker keeps all that must survive it.
const dataDir = "data"

// erlangNode is the node's name in Erlang's distribution. With an address for a host name nothing has to be resolved.
func erlangNode(addr string) string { return "rabbit@" + addr }

// configText is a node's rabbitmq.conf. Everything not said here is the product's default.
func configText(profile string, all []machine) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("listeners.tcp.default = %d", amqpPort)
	line("default_user = %s", brokerUser)
	line("default_pass = %s", brokerPassword)
	line("loopback_users = none")
	line("cluster_name = waybill")
	line("cluster_formation.peer_discovery_backend = classic_config")
	for i, m := range all {
		line("cluster_formation.classic_config.nodes.%d = %s", i+1, erlangNode(m.addr.String()))
	}
	line("cluster_formation.discovery_retry_limit = 2")
	line("cluster_partition_handling = %s", profile)
	line("cluster_keepalive_interval = %d", keepalive.Milliseconds())
	line("vm_memory_high_watermark.absolute = %d", memoryLimit)
	line("disk_free_limit.absolute = %d", diskLimit)
	line("raft.wal_max_size_bytes = %d", walSize)
	return b.String()
}

// advancedText is a node's advanced.config: what rabbitmq.conf has no key for in every version.
func advancedText() string {
	return fmt.Sprintf("[{rabbit, [{quorum_tick_interval, %d}]}, {aten, [{poll_interval, %d}]}].\n",
		quorumTick.Milliseconds(), raftPoll.Milliseconds())
}

// files are what a node finds in its folder before it starts, by their paths in it.
func files(profile string, all []machine) map[string]string {
	return map[string]string{
		"rabbitmq.conf":   configText(profile, all),
		"advanced.config": advancedText(),
		"enabled_plugins": "[].\n",
	}
}

// prepare writes a node's files. The cookie is readable by its owner only, or Erlang refuses it.
func (m machine) prepare(profile string, all []machine) error {
	for _, d := range []string{dataDir, "log", "home"} {
		if err := os.MkdirAll(filepath.Join(m.dir, d), 0o755); err != nil {
			return fmt.Errorf("rabbitmq: folder of %s: %w", m.name, err)
		}
	}
	for name, text := range files(profile, all) {
		if err := os.WriteFile(filepath.Join(m.dir, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("rabbitmq: %s of %s: %w", name, m.name, err)
		}
	}
	path := filepath.Join(m.dir, "home", ".erlang.cookie")
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := os.WriteFile(path, []byte(cookie), 0o400); err != nil {
		return fmt.Errorf("rabbitmq: cookie of %s: %w", m.name, err)
	}
	return nil
}

// command starts a node's broker in an environment that holds nothing but its own: neither the machine's configuration nor
// variables of whoever started the harness count.
func (m machine) command(dist string) (path string, args []string) {
	return "/usr/bin/env", append(append([]string{"-i"}, m.environment()...), filepath.Join(dist, serverScript))
}

// environment is what the start script reads.
func (m machine) environment() []string {
	in := func(name string) string { return filepath.Join(m.dir, name) }
	return []string{
		"PATH=" + searchPath(),
		"HOME=" + in("home"),
		"LANG=C.UTF-8",
		"RUNNING_UNDER_SYSTEMD=1", // the script becomes the server instead of waiting for it
		"ERL_CRASH_DUMP=" + in("erl_crash.dump"),
		"ERL_CRASH_DUMP_BYTES=10000000",
		"RABBITMQ_CONF_ENV_FILE=" + os.DevNull,
		"RABBITMQ_NODENAME=" + erlangNode(m.addr.String()),
		"RABBITMQ_USE_LONGNAME=true",
		fmt.Sprint("RABBITMQ_DIST_PORT=", distPort),
		"RABBITMQ_CONFIG_FILE=" + in("rabbitmq.conf"),
		"RABBITMQ_ADVANCED_CONFIG_FILE=" + in("advanced.config"),
		"RABBITMQ_ENABLED_PLUGINS_FILE=" + in("enabled_plugins"),
		"RABBITMQ_GENERATED_CONFIG_DIR=" + in(dataDir+"/config"),
		"RABBITMQ_MNESIA_BASE=" + in(dataDir),
		"RABBITMQ_MNESIA_DIR=" + in(dataDir+"/node"),
		"RABBITMQ_LOG_BASE=" + in("log"),
		"RABBITMQ_LOGS=-",
		"RABBITMQ_PID_FILE=" + in("rabbitmq.pid"),
		"RABBITMQ_SCHEDULER_BIND_TYPE=u",
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=" + erlangArguments(),
	}
}

// erlangArguments keep a node frugal: schedulers do not spin while they wait, and three nodes that share cores do not all
// bind to the first. The tick is given here since it must be set before the distribution starts.
func erlangArguments() string {
	return fmt.Sprintf("+S %d:%d +SDio 8 +sbwt none +sbwtdcpu none +sbwtdio none -kernel net_ticktime %d",
		schedulers, schedulers, int(netTick.Seconds()))
}
