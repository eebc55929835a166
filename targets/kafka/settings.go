package kafka

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"waybill/targets"
)

// Settings that decide how long a fault must last to be noticed, and how queues are kept. The product's defaults are for
// days, not for a tour of minutes: each difference is shown beside its default.
const (
	partitions = 4 // of a queue, of its output, and of each internal topic
	replicas   = 3 // of each partition; two of them must have a message before it is acknowledged

	brokerSession   = 4 * time.Second // of a broker at its controller
	brokerHeartbeat = time.Second
	replicaLag      = 4 * time.Second // until a follower that does not fetch leaves the in-sync replicas
	brokerSocket    = 4 * time.Second // until a broker gives up an answer of another
	brokerConnect   = 2 * time.Second // until a broker gives up connecting to another
	groupSession    = 4 * time.Second
	groupHeartbeat  = time.Second
	transaction     = 10 * time.Second // of the harness's processors
	transactionScan = time.Second      // how often coordinators look for transactions that timed out

	dialTimeout = time.Second // of clients, the harness's own included
)

func timing() targets.Timing {
	return targets.Timing{Detection: brokerSession, Redelivery: groupSession, Election: brokerSession + 2*time.Second, Hold: time.Second, Transaction: transactLimit, Answer: answerTime}
}

// setting is one line of a node's configuration, with the product's default.
type setting struct{ name, value, def string }

// brokerSettings are the same on every broker of a cluster that keeps so many copies of a topic. What equals the default is
// said all the same where verdicts rest on it.
func brokerSettings(copies int) []setting {
	ms := func(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
	return []setting{
		{"default.replication.factor", strconv.Itoa(copies), "1"},
		{"min.insync.replicas", strconv.Itoa(majority(copies)), "1"},
		{"unclean.leader.election.enable", "false", "false"},
		{"auto.create.topics.enable", "false", "true"},
		{"auto.leader.rebalance.enable", "false", "true"},
		{"num.partitions", strconv.Itoa(partitions), "1"},
		{"log.retention.ms", "-1", "7 days"},
		{"log.cleaner.dedupe.buffer.size", strconv.Itoa(16 << 20), strconv.Itoa(128 << 20)},

		{"broker.session.timeout.ms", ms(brokerSession), "9000"},
		{"broker.heartbeat.interval.ms", ms(brokerHeartbeat), "2000"},
		{"replica.lag.time.max.ms", ms(replicaLag), "30000"},
		{"replica.socket.timeout.ms", ms(brokerSocket), "30000"},
		{"controller.socket.timeout.ms", ms(brokerSocket), "30000"},
		{"socket.connection.setup.timeout.ms", ms(brokerConnect), "10000"},
		{"socket.connection.setup.timeout.max.ms", ms(brokerConnect), "30000"},

		{"offsets.topic.num.partitions", strconv.Itoa(partitions), "50"},
		{"offsets.topic.replication.factor", strconv.Itoa(copies), "3"},
		{"transaction.state.log.num.partitions", strconv.Itoa(partitions), "50"},
		{"transaction.state.log.replication.factor", strconv.Itoa(copies), "3"},
		{"transaction.state.log.min.isr", strconv.Itoa(majority(copies)), "2"},
		{"transaction.abort.timed.out.transaction.cleanup.interval.ms", ms(transactionScan), "10000"},
		{"group.initial.rebalance.delay.ms", "0", "3000"},
		{"group.min.session.timeout.ms", ms(groupSession), "6000"},
	}
}

// flushSetting is that of the profile fsync alone. It holds for every topic that says nothing of its own, and so for the internal ones:
// committed offsets and the state of transactions are synced as well.
var flushSetting = setting{"log.flush.interval.messages", "1", "9223372036854775807"}

// majority of replicas must be in sync for a message that all must have: two of three.
func majority(copies int) int { return copies/2 + 1 }

// settings are those of brokers and clients, with what they are by default.
func settings() map[string]string {
	s := map[string]string{
		"client session.timeout.ms":     with(groupSession.Milliseconds(), 45000),
		"client heartbeat.interval.ms":  with(groupHeartbeat.Milliseconds(), 3000),
		"client transaction.timeout.ms": with(transaction.Milliseconds(), 60000),
		"client connections, acks=0":    with("made anew every "+renewEvery.String(), "kept"),
		"client dial timeout":           with(dialTimeout, "10s"),
		"broker jvm":                    with("-Xmx"+brokerHeap+" "+strings.Join(quickStart(), " "), "-Xmx1G -XX:+UseG1GC"),
		"controller jvm":                with("-Xmx"+controllerHeap+", else as the brokers'", "-Xmx1G"),
	}
	for _, b := range brokerSettings(replicas) {
		s[b.name] = with(b.value, b.def)
	}
	s[flushSetting.name] = with(fmt.Sprintf("%s; %s in profile %s", flushSetting.def, flushSetting.value, fsync), flushSetting.def)
	return s
}

func with(v, def any) string { return fmt.Sprintf("%v (default %v)", v, def) }
