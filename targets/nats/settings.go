package nats

import (
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"waybill/targets"
)

// Settings that decide how long a fault must last to be noticed. Each is shown with the product's default.
const (
	replicas        = 3
	ackWait         = 2 * time.Second // JetStream's redelivery timeout
	duplicateWindow = 60 * time.Second
	shortWindow     = 2 * time.Second // of a profile of its own: over before a producer that was not answered sends again
	defaultSync     = "2m0s"          // the server's sync_interval
	maxAckPending   = 16384

	serverPing = 5 * time.Second // broker to client
	routePing  = 2 * time.Second // broker to broker

	clientPing    = time.Second
	clientPingOut = 2
	dialTimeout   = time.Second
	writeTimeout  = 2 * time.Second
	reconnectWait = 100 * time.Millisecond
	reconnectRand = 150 * time.Millisecond

	maxMemory = 256 << 20
	maxFile   = 16 << 30
)

// electionMin and electionMax bound a Raft election timeout; constants of the server which no setting changes.
const (
	electionMin = 4 * time.Second
	electionMax = 9 * time.Second
)

func settings() map[string]string {
	with := func(v, def any) string { return fmt.Sprintf("%v (default %v)", v, def) }
	return map[string]string{
		"ack wait":                   with(ackWait, "30s"),
		"duplicate window":           with(fmt.Sprintf("%v; %v in profile %s", duplicateWindow, shortWindow, windowProfile), "2m0s"),
		"max deliver":                "-1 (default -1)",
		"max ack pending":            with(maxAckPending, 1000),
		"replicas":                   with(replicas, 1),
		"sync interval":              with(fmt.Sprintf("%s; always in profile %s", defaultSync, syncProfile), defaultSync),
		"server ping interval":       with(serverPing, server.DEFAULT_PING_INTERVAL),
		"route ping interval":        with(routePing, "30s"),
		"raft election timeout":      fmt.Sprintf("%v to %v (not configurable)", electionMin, electionMax),
		"client ping interval":       with(clientPing, nats.DefaultPingInterval),
		"client max pings out":       with(clientPingOut, nats.DefaultMaxPingOut),
		"client reconnect wait":      with(fmt.Sprintf("%v to %v", reconnectWait, reconnectWait+reconnectRand), nats.DefaultReconnectWait),
		"client reconnect attempts":  with("unlimited", nats.DefaultMaxReconnect),
		"client reconnect buffer":    with("none", fmt.Sprint(nats.DefaultReconnectBufSize, " bytes")),
		"client write timeout":       with(writeTimeout, nats.DefaultFlusherTimeout),
		"client dial timeout":        with(dialTimeout, nats.DefaultTimeout),
		"client discovered servers":  "ignored (default used)",
		"jetstream max memory store": with(fmt.Sprint(maxMemory>>20, " MiB"), "75 % of the machine"),
		"jetstream max file store":   with(fmt.Sprint(maxFile>>30, " GiB"), "75 % of the free disk"),
	}
}

func timing() targets.Timing {
	return targets.Timing{Detection: electionMin, Redelivery: ackWait, Election: electionMax + time.Second}
}
