package targettest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"waybill/harness/history"
	"waybill/harness/lab"
	"waybill/harness/reexec"
	"waybill/targets"
)

// Programs that send and receive on hosts of the lab, where the network can be cut and everything killed.
const (
	senderProgram   = "targettest-sender"
	receiverProgram = "targettest-receiver"
)

func init() {
	reexec.Register(senderProgram, func(args []string) int { return work(args, send) })
	reexec.Register(receiverProgram, func(args []string) int { return work(args, hold) })
}

// assignment is what a process is to do. It travels as JSON.
type assignment struct {
	Target string
	Client targets.ClientConfig
	Life   history.Life
	Count  int           // of messages to send
	Every  time.Duration // between two
	Pin    string
}

// note is a process's line about the end of one attempt, or about what it holds.
type note struct {
	N       int
	At      time.Time
	Outcome targets.Outcome

	Token  string           // of a delivery
	Pos    history.Position // of it
	Ending bool             // all outputs are stored, and the end of the transaction is about to be called
}

// notes are written from any goroutine.
type notes struct {
	mu    sync.Mutex
	lines *json.Encoder
}

func (n *notes) put(x note) {
	n.mu.Lock()
	defer n.mu.Unlock()
	x.At = time.Now()
	n.lines.Encode(x) //nolint:errcheck // a lost line is found by the reader
}

// work carries an assignment out, for at most as long as any of them takes.
func work(args []string, do func(context.Context, assignment, targets.Client, *notes) error) int {
	err := func() error {
		if len(args) != 1 {
			return fmt.Errorf("targettest: want one argument, got %q", args)
		}
		var a assignment
		if err := json.Unmarshal([]byte(args[0]), &a); err != nil {
			return fmt.Errorf("targettest: assignment: %w", err)
		}
		tgt, ok := targets.Find(a.Target)
		if !ok {
			return fmt.Errorf("targettest: no target %q in this binary", a.Target)
		}
		c, err := tgt.Client(a.Client)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		return do(ctx, a, c, &notes{lines: json.NewEncoder(os.Stdout)})
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 4
	}
	return 0
}

// send sends messages at a steady pace and writes a line for each outcome. It is pinned while it sends: afterwards a library that
// retries for as long as it takes must be able to find a leader that is not where the last one was.
func send(ctx context.Context, a assignment, c targets.Client, to *notes) error {
	p, err := c.Producer(ctx)
	if err != nil {
		return err
	}
	pinner, ok := p.(targets.Pinner)
	if ok = ok && a.Pin != ""; ok {
		if err := pinner.Pin(ctx, a.Pin); err != nil {
			return err
		}
	}
	tick := time.NewTicker(a.Every)
	defer tick.Stop()
	for n := 1; n <= a.Count; n++ {
		<-tick.C
		p.Send(ctx, message(a.Life, n), func(o targets.Outcome) { to.put(note{N: n, Outcome: o}) })
	}
	if ok {
		if err := pinner.Pin(ctx, ""); err != nil {
			return err
		}
	}
	if err := p.Flush(ctx); err != nil {
		return err
	}
	return p.Close()
}

// hold receives and never acknowledges, or takes a transaction to where only its end is missing; and waits to be killed.
func hold(ctx context.Context, _ assignment, c targets.Client, to *notes) error {
	r, err := c.Consumer(ctx)
	if err != nil {
		return err
	}
	for {
		ds, err := r.Receive(ctx)
		if err != nil {
			return err
		}
		for _, d := range ds {
			to.put(note{Token: d.Token, Pos: d.Pos})
		}
		if x, ok := r.(targets.Transactor); ok && len(ds) > 0 {
			t := transaction("9/1", ds)
			t.Ending = func() {
				to.put(note{Ending: true})
				<-ctx.Done()
			}
			return fmt.Errorf("targettest: a transaction that was never to end did so: %+v", x.Transact(ctx, t))
		}
	}
}

// dispatch starts a process.
func (e *environment) dispatch(t *testing.T, on *lab.Host, program string, a assignment) *lab.Process {
	t.Helper()
	body, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	p, err := on.Start(t.Context(), lab.Proc{Name: processName(a), Program: program, Args: []string{string(body)}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func processName(a assignment) string { return fmt.Sprintf("life-%d", a.Life) }

// notes are a process's lines so far.
func (e *environment) notes(t *testing.T, on *lab.Host, a assignment) []note {
	t.Helper()
	f, err := os.Open(filepath.Join(on.Dir(), processName(a)+".stdout"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var ns []note
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var n note
		if json.Unmarshal(lines.Bytes(), &n) != nil {
			break // the last line, while it is written
		}
		ns = append(ns, n)
	}
	return ns
}

// receiver is a consumer on a host of its own, to be killed.
type receiver struct {
	e       *environment
	host    *lab.Host
	process *lab.Process
	assignment
}

func (e *environment) receiver(t *testing.T, ctx context.Context, q targets.Queue, member int) *receiver {
	t.Helper()
	e.mu.Lock()
	e.receivers++
	name := fmt.Sprintf("r%d", e.receivers)
	e.mu.Unlock()
	h, err := e.lab.AddHost(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{e: e, host: h, assignment: assignment{Target: e.description.Name, Client: e.config(q, member), Life: e.life()}}
	r.process = e.dispatch(t, h, receiverProgram, r.assignment)
	return r
}

// await waits until the receiver's notes satisfy ready.
func (r *receiver) await(t *testing.T, ctx context.Context, what string, ready func([]note) bool) []note {
	t.Helper()
	var ns []note
	eventually(t, ctx, what, func() error {
		select {
		case <-r.process.Done():
			t.Fatalf("the receiver ended: %+v", r.process.Exit())
		default:
		}
		if ns = r.e.notes(t, r.host, r.assignment); !ready(ns) {
			return errNot{fmt.Sprintf("%d notes", len(ns)), nil}
		}
		return nil
	})
	return ns
}
