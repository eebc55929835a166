package rabbitmq

import (
	"fmt"
	"time"

	"waybill/targets"
)

// Profiles: what a node does when it loses sight of others, which the product calls cluster_partition_handling.
const (
	pauseMinority = "pause_minority"
	autoheal      = "autoheal"
	ignore        = "ignore"
)

// Ports on every node. Each node has an address of its own.
const (
	amqpPort = 5672
	distPort = 25672 // of Erlang's distribution
)

// The user exists only on brokers which the harness starts, and neither the password nor the cookie protects anything: they
// never leave the lab.
const (
	vhost          = "/"
	brokerUser     = "waybill"
	brokerPassword = "waybill"
	cookie         = "waybill"
)

// Settings that decide how long a fault must last to be noticed. Each is shown with the product's default.
const (
	replicas = 3

	netTick       = 5 * time.Second // Erlang's net_ticktime: a silent node is down after 0.75 to 1.25 of it
	quorumTick    = time.Second
	raftPoll      = 2 * time.Second // of aten, the failure detector of quorum queues
	keepalive     = 2 * time.Second // cluster_keepalive_interval
	serverBeat    = 60 * time.Second
	clientBeat    = 2 * time.Second // what clients ask for; the smaller one counts
	schedulers    = 2
	memoryLimit   = 1 << 30
	diskLimit     = 50 << 20
	walSize       = 64 << 20
	deliveryLimit = -1 // none
)

// settings says what differs from the product's defaults, and the timeouts that matter.
func settings() map[string]string {
	with := func(v, def any) string { return fmt.Sprintf("%v (default %v)", v, def) }
	mib := func(n int) string { return fmt.Sprint(n>>20, " MiB") }
	return map[string]string{
		"net_ticktime":                        with(netTick, "60s"),
		"quorum_tick_interval":                with(quorumTick, "5s"),
		"aten poll_interval":                  with(raftPoll, "5s"),
		"cluster_keepalive_interval":          with(keepalive, "10s"),
		"heartbeat, server":                   with(serverBeat, "60s"),
		"heartbeat, client":                   with(clientBeat, "10s"),
		"consumer_timeout":                    "the version's own (30m since 3.8.17)",
		"vm_memory_high_watermark":            with(mib(memoryLimit), "40 % of the machine"),
		"disk_free_limit":                     with(mib(diskLimit), mib(50_000_000)),
		"raft.wal_max_size_bytes":             with(mib(walSize), "512 MiB"),
		"schedulers":                          with(fmt.Sprint(schedulers, ", not bound to cores"), "one a core, bound"),
		"plugins":                             "none (default none)",
		"quorum: x-quorum-initial-group-size": with(replicas, 3),
		"quorum: x-delivery-limit":            "none (default none before 4.0, then 20)",
		"mirrored: ha-mode":                   with("all", "none"),
		"mirrored: ha-sync-mode":              with("automatic", "manual"),
		"mirrored: ha-promote-on-failure":     with("when-synced", "always"),
		"mirrored: ha-promote-on-shutdown":    with("when-synced", "when-synced"),
	}
}

// timing: a silent peer is down after at most 1.25 × net_ticktime, which pauses a minority and promotes mirrors. An
// unacknowledged delivery comes again when its connection is declared dead, after two missed heartbeats of the client.
func timing() targets.Timing {
	return targets.Timing{
		Detection:  netTick + netTick/4 + 250*time.Millisecond,
		Redelivery: 2*clientBeat + time.Second,
		Election:   6 * time.Second,
		Hold:       3 * time.Second,
	}
}
