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

// senderProgram sends from a host of the lab, where the network can be cut.
const senderProgram = "targettest-sender"

func init() { reexec.Register(senderProgram, sender) }

// assignment is what a sender is to do. It travels as JSON.
type assignment struct {
	Target string
	Client targets.ClientConfig
	Life   history.Life
	Count  int
	Every  time.Duration
	Pin    string
}

// note is a sender's line about the end of one attempt.
type note struct {
	N       int
	At      time.Time
	Outcome targets.Outcome
}

// sender sends its messages at a steady pace and writes a line for each outcome.
func sender(args []string) int {
	if err := send(args); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 4
	}
	return 0
}

func send(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("targettest: a sender wants one argument, got %q", args)
	}
	var a assignment
	if err := json.Unmarshal([]byte(args[0]), &a); err != nil {
		return fmt.Errorf("targettest: assignment: %w", err)
	}
	tgt, ok := targets.Find(a.Target)
	if !ok {
		return fmt.Errorf("targettest: no target %q in this binary", a.Target)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := tgt.Client(a.Client)
	if err != nil {
		return err
	}
	p, err := c.Producer(ctx)
	if err != nil {
		return err
	}
	if pinner, ok := p.(targets.Pinner); ok && a.Pin != "" {
		if err := pinner.Pin(ctx, a.Pin); err != nil {
			return err
		}
	}
	var mu sync.Mutex
	lines := json.NewEncoder(os.Stdout)
	tick := time.NewTicker(a.Every)
	defer tick.Stop()
	for n := 1; n <= a.Count; n++ {
		<-tick.C
		p.Send(ctx, message(a.Life, n), func(o targets.Outcome) {
			mu.Lock()
			defer mu.Unlock()
			lines.Encode(note{n, time.Now(), o}) //nolint:errcheck // a lost line is found by the reader
		})
	}
	if err := p.Flush(ctx); err != nil {
		return err
	}
	return p.Close()
}

// dispatch starts a sender on the client host.
func (e *environment) dispatch(t *testing.T, a assignment) *lab.Process {
	t.Helper()
	body, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	p, err := e.client.Start(t.Context(), lab.Proc{Name: senderName(a), Program: senderProgram, Args: []string{string(body)}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func senderName(a assignment) string { return fmt.Sprintf("sender-%d", a.Life) }

// notes are a sender's lines so far.
func (e *environment) notes(t *testing.T, a assignment) []note {
	t.Helper()
	f, err := os.Open(filepath.Join(e.client.Dir(), senderName(a)+".stdout"))
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
