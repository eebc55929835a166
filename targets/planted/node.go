package planted

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"waybill/harness/reexec"
)

// program is the name under which this binary is the broker.
const program = "planted-broker"

// dataDir is the folder below a host's own where a node keeps all that must survive it.
const dataDir = "store"

func init() { reexec.Register(program, brokerMain) }

// settings of one node, as its configuration file holds them.
type nodeConfig struct {
	Name   string             `json:"name"`
	Dir    string             `json:"dir"`
	Peers  []peer             `json:"peers"` // itself among them
	Plants map[string]float64 `json:"plants,omitempty"`
	Seed   uint64             `json:"seed,omitempty"`
}

// peer is where a node listens.
type peer struct {
	Name   string `json:"name"`
	Client string `json:"client"`
	Raft   string `json:"raft"`
}

// brokerMain runs a broker with the configuration file named by its only argument until it is killed.
func brokerMain(args []string) int {
	if len(args) != 1 {
		fmt.Fprintf(os.Stderr, "planted: %s wants one argument, its configuration file; got %q\n", program, args)
		return 3
	}
	var c nodeConfig
	b, err := os.ReadFile(args[0])
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "planted: configuration: %v\n", err)
		return 3
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	n, err := startNode(c, os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%v\n", err)
		return 4
	}
	<-ctx.Done()
	if err := n.close(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n", err)
		return 4
	}
	return 0
}

// node is one broker.
type node struct {
	config  nodeConfig
	log     *logStore
	plants  *plants
	machine *machine
	raft    *raft.Raft
	listen  net.Listener
	errs    io.Writer

	mu         sync.Mutex // after machine.mu, where both are held
	deliveries map[string]*delivery
	early      map[string]*early
	leads      uint64 // the term in which it has begun to serve as the leader; 0: it does not
	links      map[string]*link

	conns  sync.Map // net.Conn → struct{}
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup
	closed atomic.Bool
}

func startNode(c nodeConfig, confessions, errs io.Writer) (_ *node, err error) {
	n := &node{config: c, errs: errs, deliveries: map[string]*delivery{}, early: map[string]*early{}, links: map[string]*link{}}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			n.cancel()
		}
	}()
	if n.plants, err = newPlants(c.Plants, c.Seed, confessions); err != nil {
		return nil, err
	}
	dir := filepath.Join(c.Dir, dataDir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("planted: %w", err)
	}
	if n.log, err = openLog(filepath.Join(dir, "log")); err != nil {
		return nil, err
	}
	votes, err := openVotes(filepath.Join(dir, "votes"))
	if err != nil {
		return nil, err
	}
	if err := syncDir(dir); err != nil {
		return nil, fmt.Errorf("planted: %w", err)
	}
	n.machine = newMachine(n.log, n.plants)
	me, members := peer{}, raft.Configuration{}
	for _, p := range c.Peers {
		members.Servers = append(members.Servers, raft.Server{ID: raft.ServerID(p.Name), Address: raft.ServerAddress(p.Raft)})
		if p.Name == c.Name {
			me = p
		}
	}
	own := raft.DefaultConfig()
	own.LocalID = raft.ServerID(c.Name)
	own.HeartbeatTimeout, own.ElectionTimeout, own.LeaderLeaseTimeout = heartbeat, heartbeat, heartbeat
	own.SnapshotThreshold, own.SnapshotInterval = 1<<62, 24*time.Hour
	own.Logger = hclog.New(&hclog.LoggerOptions{Level: hclog.Info, Output: errs})
	addr, err := net.ResolveTCPAddr("tcp", me.Raft)
	if err != nil {
		return nil, fmt.Errorf("planted: %w", err)
	}
	transport, err := raft.NewTCPTransportWithLogger(me.Raft, addr, 3, peerTimeout, own.Logger)
	if err != nil {
		return nil, fmt.Errorf("planted: %w", err)
	}
	last, err := n.log.LastIndex()
	if err != nil {
		return nil, err
	}
	snapshots := raft.NewDiscardSnapshotStore()
	if last == 0 {
		if err := raft.BootstrapCluster(own, n.log, votes, snapshots, transport, members); err != nil {
			return nil, fmt.Errorf("planted: %w", err)
		}
	}
	if n.raft, err = raft.NewRaft(own, n.machine, n.log, votes, snapshots, transport); err != nil {
		return nil, fmt.Errorf("planted: %w", err)
	}
	if n.listen, err = net.Listen("tcp", me.Client); err != nil {
		return nil, fmt.Errorf("planted: %w", err)
	}
	n.work.Go(n.lead)
	n.work.Go(n.tick)
	n.work.Go(n.accept)
	if last > 0 {
		n.work.Go(n.sayRestarted)
	}
	return n, nil
}

func (n *node) logf(format string, args ...any) {
	fmt.Fprintf(n.errs, "%s "+format+"\n", append([]any{time.Now().Format(time.TimeOnly)}, args...)...)
}

// close stops the node, as good as a kill does.
func (n *node) close() error {
	if n.closed.Swap(true) {
		return nil
	}
	n.cancel()
	err := n.listen.Close()
	n.conns.Range(func(c, _ any) bool {
		c.(net.Conn).Close() //nolint:errcheck // its reader ends either way
		return true
	})
	n.mu.Lock()
	links := n.links
	n.links = nil
	n.mu.Unlock()
	for _, l := range links {
		l.close()
	}
	if down := n.raft.Shutdown().Error(); err == nil {
		err = down
	}
	n.work.Wait()
	if closing := n.log.close(); err == nil {
		err = closing
	}
	return err
}

// lead begins and ends leaderships: a leader serves once everything that earlier ones committed is applied.
func (n *node) lead() {
	for {
		select {
		case <-n.ctx.Done():
			return
		case leads := <-n.raft.LeaderCh():
			n.mu.Lock()
			n.leads = 0
			n.mu.Unlock()
			if leads {
				n.begin()
			}
		}
	}
}

func (n *node) begin() {
	term := n.raft.CurrentTerm()
	if err := n.raft.Apply(newCommand(cmdElected, now(time.Now()), "").b, 0).Error(); err != nil {
		return
	}
	if err := n.raft.Barrier(0).Error(); err != nil {
		return
	}
	n.machine.mu.RLock()
	defer n.machine.mu.RUnlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, d := range n.deliveries {
		d.stir()
	}
	n.deliveries = map[string]*delivery{}
	for name, q := range n.machine.queues {
		n.deliveries[name] = newDelivery(q.last())
	}
	n.leads = term
}

// delivery is the leader's knowledge of a queue. It wants n.mu.
func (n *node) delivery(queue string) *delivery {
	d := n.deliveries[queue]
	if d == nil {
		d = newDelivery(0)
		n.deliveries[queue] = d
	}
	return d
}

// tick takes back deliveries whose time is over.
func (n *node) tick() {
	t := time.NewTicker(100 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-n.ctx.Done():
			return
		case at := <-t.C:
			n.machine.mu.RLock()
			n.mu.Lock()
			if n.leads != 0 {
				for name, d := range n.deliveries {
					if q := n.machine.queues[name]; q != nil {
						d.expire(at, q)
					}
				}
				n.storeEarly(at)
			}
			n.mu.Unlock()
			n.machine.mu.RUnlock()
		}
	}
}

// sayRestarted tells the leader that this node had run before, until it is heard.
func (n *node) sayRestarted() {
	t := time.NewTicker(200 * time.Millisecond)
	defer t.Stop()
	for {
		if n.carryOut(n.ctx, askRestarted, nil).kind == codeDone {
			return
		}
		select {
		case <-n.ctx.Done():
			return
		case <-t.C:
		}
	}
}

// now is the leader's clock in a command.
func now(t time.Time) int64 { return t.UnixMilli() }

// newCommandWith is a command with a body.
func newCommandWith(kind byte, at time.Time, queue string, body func(*encoder)) []byte {
	e := newCommand(kind, now(at), queue)
	body(e)
	return e.b
}

func appendCommand(at time.Time, queue string, rs []record) []byte {
	return newCommandWith(cmdAppend, at, queue, func(e *encoder) {
		e.u32(uint32(len(rs)))
		for _, r := range rs {
			e.b = appendRecord(e.b, r)
		}
	})
}

// propose hands a command of a bug to the log, without waiting: the caller holds locks that carrying it out needs.
func (n *node) propose(command []byte) {
	n.work.Go(func() {
		if err := n.raft.Apply(command, 0).Error(); err != nil {
			n.logf("%v", err)
		}
	})
}
