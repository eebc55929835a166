package planted

import (
	"bufio"
	"context"
	"net"
	"sync"
)

// accept serves clients until the node is closed.
func (n *node) accept() {
	for {
		c, err := n.listen.Accept()
		if err != nil {
			return // closed
		}
		n.conns.Store(c, struct{}{})
		n.work.Go(func() {
			defer n.conns.Delete(c)
			n.serve(c)
		})
	}
}

// serve reads one connection's requests. They are begun in the order in which they come, which keeps a producer's messages in order, and
// answered as they are done.
func (n *node) serve(c net.Conn) {
	ctx, cancel := context.WithCancel(n.ctx)
	defer cancel()
	answers := make(chan frame, 256)
	var writer, asked sync.WaitGroup
	writer.Go(func() { writeFrames(c, answers) })
	fetched := map[string]bool{}
	r := bufio.NewReaderSize(c, 1<<18)
	for {
		f, err := readFrame(r)
		if err != nil {
			break
		}
		if d := (decoder{b: f.body}); f.kind == askFetch {
			fetched[d.text()] = true
		}
		asked.Add(1)
		n.begun(ctx, f.kind, f.body, func(a frame) {
			a.id = f.id
			select {
			case answers <- a:
			case <-ctx.Done():
			}
			asked.Done()
		})
	}
	c.Close() //nolint:errcheck // it is broken already
	cancel()
	asked.Wait()
	close(answers)
	writer.Wait()
	for queue := range fetched {
		var e encoder
		e.text(queue)
		n.begun(n.ctx, askLeft, e.b, func(frame) {})
	}
}

// writeFrames writes what is there in as few writes as it can, until the channel is closed. After an error it only empties it.
func writeFrames(c net.Conn, frames <-chan frame) {
	w := bufio.NewWriterSize(c, 1<<18)
	var b []byte
	for f := range frames {
		b = appendFrame(b[:0], f)
		if _, err := w.Write(b); err != nil {
			continue
		}
		if len(frames) == 0 {
			w.Flush() //nolint:errcheck // the next write fails too, and the reader ends
		}
	}
}

// begun begins a request, here or at the leader, and returns; done is called once, from any goroutine.
func (n *node) begun(ctx context.Context, kind byte, body []byte, done func(frame)) {
	if kind > lastForwarded {
		n.work.Go(func() { done(n.local(ctx, kind, body)) })
		return
	}
	n.mu.Lock()
	leads := n.leads != 0
	n.mu.Unlock()
	if leads {
		n.leading(ctx, kind, body, done)
		return
	}
	l := n.linkToLeader()
	if l == nil {
		done(frame{kind: codeUnavailable})
		return
	}
	l.ask(kind, body, func(a frame, err error) {
		if err != nil {
			a = frame{kind: codeUnavailable}
		}
		done(a)
	})
}

// carryOut is begun, and waited for.
func (n *node) carryOut(ctx context.Context, kind byte, body []byte) frame {
	answer := make(chan frame, 1)
	n.begun(ctx, kind, body, func(a frame) { answer <- a })
	select {
	case a := <-answer:
		return a
	case <-ctx.Done():
		return frame{kind: codeUnavailable}
	}
}

// linkToLeader is the connection to the node that Raft calls the leader; nil if that is nobody, or this node, which does not serve yet.
func (n *node) linkToLeader() *link {
	_, id := n.raft.LeaderWithID()
	leader := string(id)
	n.mu.Lock()
	defer n.mu.Unlock()
	if leader == "" || leader == n.config.Name || n.links == nil {
		return nil
	}
	if l := n.links[leader]; l != nil {
		return l
	}
	for _, p := range n.config.Peers {
		if p.Name == leader {
			l := openLink([]nodeAddr{{p.Name, p.Client}}, linkOptions{pin: leader})
			n.links[leader] = l
			return l
		}
	}
	return nil
}
