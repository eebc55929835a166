package planted

import (
	"context"
	"encoding/json"
	"time"

	"github.com/hashicorp/raft"
)

// status is what a node says of itself.
type status struct {
	Name    string            `json:"name"`
	State   string            `json:"state"` // of Raft: Leader, Follower, Candidate
	Serves  bool              `json:"serves"`
	Term    uint64            `json:"term"`
	Leader  string            `json:"leader"`
	Commit  uint64            `json:"commit"`
	Applied uint64            `json:"applied"`
	Queues  map[string]string `json:"queues"` // name → mode
	Config  map[string]string `json:"config"`
}

// local carries out what any node does by itself.
func (n *node) local(_ context.Context, kind byte, body []byte) frame {
	d := &decoder{b: body}
	switch kind {
	case askPing:
		return frame{kind: codeDone}
	case askStatus:
		b, err := json.Marshal(n.status())
		if err != nil {
			return refuse(err.Error())
		}
		return frame{kind: codeDone, body: b}
	case askScan:
		return n.scan(d)
	case askReadOutputs:
		return n.readOutputs(d)
	case askTransfer:
		to := d.text()
		for _, p := range n.config.Peers {
			if p.Name == to && n.raft.State() == raft.Leader {
				if err := n.raft.LeadershipTransferToServer(raft.ServerID(p.Name), raft.ServerAddress(p.Raft)).Error(); err != nil {
					return refuse(err.Error())
				}
				return frame{kind: codeDone}
			}
		}
		return refuse("this node does not lead, or knows no " + to)
	}
	return refuse("no such request")
}

func (n *node) status() status {
	_, leader := n.raft.LeaderWithID()
	s := status{Name: n.config.Name, State: n.raft.State().String(), Term: n.raft.CurrentTerm(), Leader: string(leader), Commit: n.raft.CommitIndex(),
		Queues: map[string]string{}, Config: map[string]string{"heartbeat": heartbeat.String(), "ack wait": ackWait.String(), "sync": "every batch"}}
	n.machine.mu.RLock()
	defer n.machine.mu.RUnlock()
	s.Applied = n.raft.AppliedIndex()
	for name, q := range n.machine.queues {
		s.Queues[name] = q.mode
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	s.Serves = n.leads != 0
	return s
}

// pageMost is how many bytes of messages one answer to a scan holds, about.
const pageMost = 1 << 20

// caughtUp waits a moment until this node has applied the log up to an index.
func (n *node) caughtUp(index uint64) bool {
	for end := time.Now().Add(time.Second); ; {
		n.machine.mu.RLock()
		ok := n.machine.applied >= index
		n.machine.mu.RUnlock()
		if ok || time.Now().After(end) {
			return ok
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-n.ctx.Done():
			return false
		}
	}
}

// page answers with one page of this node's own copy of a queue, once it has what the leader had at an index: fill puts in what fits and says
// where the next page begins.
func (n *node) page(queueName string, index uint64, fill func(q *queue, e *encoder) (next int64, err error)) frame {
	if !n.caughtUp(index) {
		return frame{kind: codeUnavailable}
	}
	n.machine.mu.RLock()
	defer n.machine.mu.RUnlock()
	q := n.machine.queues[queueName]
	if q == nil {
		return refuse("no queue " + queueName)
	}
	var e, head encoder
	e.u64(0) // the place of what only the end knows
	next, err := fill(q, &e)
	if err != nil {
		return refuse(err.Error())
	}
	head.u64(uint64(next))
	copy(e.b, head.b)
	return frame{kind: codeDone, body: e.b}
}

// scan reads this node's own copy of a queue from a position on.
func (n *node) scan(d *decoder) frame {
	name, from, to, index := d.text(), int64(d.u64()), int64(d.u64()), d.u64()
	if err := d.err(); err != nil {
		return refuse(err.Error())
	}
	return n.page(name, index, func(q *queue, e *encoder) (int64, error) {
		pos, last := max(from, 1), min(to, q.last())
		for ; pos <= last && len(e.b) < pageMost; pos++ {
			at, ok := q.visible(pos)
			if !ok {
				continue
			}
			r, err := n.machine.read(at)
			if err != nil {
				return 0, err
			}
			e.u64(uint64(pos))
			e.b = appendRecord(e.b, r)
		}
		return pos, nil
	})
}

// readOutputs reads this node's copy of a queue's outputs, with what became of the transactions that wrote them.
func (n *node) readOutputs(d *decoder) frame {
	name, from, index := d.text(), int(d.u64()), d.u64()
	if err := d.err(); err != nil {
		return refuse(err.Error())
	}
	return n.page(name, index, func(q *queue, e *encoder) (int64, error) {
		i := max(from, 0)
		for ; i < len(q.outputs) && len(e.b) < pageMost; i++ {
			o := q.outputs[i]
			r, err := n.machine.read(o.ref)
			if err != nil {
				return 0, err
			}
			e.u64(uint64(i))
			e.text(o.txn.id)
			seen := byte(0)
			if o.seen() {
				seen = 1
			}
			e.u8(seen)
			e.b = appendRecord(e.b, r)
		}
		return int64(i), nil
	})
}
