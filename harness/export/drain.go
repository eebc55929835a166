package export

import "waybill/harness/history"

// drain is the last emptying of a queue without positions: one operation for all consumers, since what is proven to be empty is the queue.
// It begins once no send is open, and ends where the checkpoint proves that nothing is left.
type drain struct {
	process int64
	begun   bool
	got     []int64
}

// drainBegins waits for the last checkpoint that was drained.
func (j *jepsen) drainBegins(e *history.Event) {
	if !j.s.positional() && j.s.drained != 0 && e.Ref == j.s.drained && j.drain == nil {
		j.drain = &drain{}
	}
}

// drains begins the drain when it can: what consumers have asked for by then, it will have.
func (j *jepsen) drains(at int64) {
	if j.drain == nil || j.drain.begun {
		return
	}
	for _, p := range j.producers {
		if len(p.open) > 0 {
			return
		}
	}
	for _, life := range ordered(j.consumers) {
		if c := j.consumers[life]; c.open == "dequeue" {
			j.w.op(at, fail, c.process, "dequeue", []byte("nil"), " :error :empty")
			c.open = ""
		}
	}
	j.drain.begun, j.drain.process = true, j.w.process()
	j.w.op(at, invoke, j.drain.process, "drain", []byte("nil"), "")
}

// draining reports whether what is delivered belongs to the drain.
func (j *jepsen) draining() bool { return j.drain != nil && j.drain.begun }

func (j *jepsen) drainEnds(e *history.Event) {
	if j.drain == nil || e.Ref != j.s.drained || e.Status != history.OK {
		return
	}
	if j.draining() {
		j.w.op(e.Time, ok, j.drain.process, "drain", appendLongs(nil, j.drain.got), "")
	}
	j.drain, j.s.drained = nil, 0
}
