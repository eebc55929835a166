package lab_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"waybill/harness/lab"
	"waybill/harness/lab/labtest"
)

func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }

// patience is how long a test waits for what must happen.
const patience = 10 * time.Second

func addHosts(t *testing.T, l *lab.Lab, names ...string) []*lab.Host {
	t.Helper()
	hosts := make([]*lab.Host, len(names))
	for i, n := range names {
		h, err := l.AddHost(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		hosts[i] = h
	}
	return hosts
}

func start(t *testing.T, h *lab.Host, p lab.Proc) *lab.Process {
	t.Helper()
	started, err := h.Start(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return started
}

// run starts p, waits for its end, expects code 0 and returns its standard output.
func run(t *testing.T, h *lab.Host, p lab.Proc) string {
	t.Helper()
	if e := ended(t, start(t, h, p)); e.Code != 0 {
		t.Fatalf("%s on %s: %+v", p.Name, h.Name(), e)
	}
	return output(t, h, p.Name)
}

func ended(t *testing.T, p *lab.Process) lab.Exit {
	t.Helper()
	select {
	case <-p.Done():
	case <-time.After(patience):
		t.Fatal("the process did not end")
	}
	return p.Exit()
}

func output(t *testing.T, h *lab.Host, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(h.Dir(), name+".stdout"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// await polls until what is claimed holds.
func await(t *testing.T, claim string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	poll := time.NewTicker(2 * time.Millisecond)
	defer poll.Stop()
	for !holds() {
		select {
		case <-poll.C:
		case <-ctx.Done():
			t.Fatalf("%s: not within %v", claim, patience)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// running counts the processes of this process's PID namespace that run as the named program.
func running(t *testing.T, program string) int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range files {
		cmdline, err := os.ReadFile(f)
		if err == nil && strings.HasPrefix(string(cmdline), "waybill:"+program) {
			n++
		}
	}
	return n
}

// interfaces are the names of this process's network interfaces, in order.
func interfaces(t *testing.T) []string {
	t.Helper()
	found, err := net.Interfaces()
	must(t, err)
	var names []string
	for _, i := range found {
		names = append(names, i.Name)
	}
	slices.Sort(names)
	return names
}
