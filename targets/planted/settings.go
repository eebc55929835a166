package planted

import (
	"fmt"
	"time"

	"waybill/targets"
)

const (
	replicas     = 3
	heartbeat    = 1500 * time.Millisecond // a follower's patience, and a leader's lease
	peerTimeout  = time.Second
	applyTimeout = 2 * time.Second // to get into the log of a leader that has much to do

	ackWait  = 2 * time.Second
	heldMost = 1 << 16 // deliveries of a queue that await their acknowledgement

	dialTimeout = time.Second
	redialWait  = 100 * time.Millisecond
	pingEvery   = 500 * time.Millisecond
	pingsOut    = 2 * time.Second
	leaveAfter  = time.Second

	receiveWait = 900 * time.Millisecond
	commitEvery = 150 * time.Millisecond // a transaction is open at least so long, as those of products are: else no fault would ever meet one
	ask         = 2 * time.Second        // one question to one node
)

func settings() map[string]string {
	return map[string]string{
		"ack wait":         ackWait.String(),
		"election timeout": fmt.Sprintf("%v to %v", heartbeat, 2*heartbeat),
		"replicas":         fmt.Sprint(replicas),
		"commit interval":  commitEvery.String(),
		"sync":             "every batch, before it is acknowledged",
		"held at most":     fmt.Sprintf("%d deliveries a queue", heldMost),
	}
}

func timing() targets.Timing {
	return targets.Timing{Detection: 2 * heartbeat, Redelivery: ackWait, Election: 3 * heartbeat, Transaction: 3 * ask}
}
