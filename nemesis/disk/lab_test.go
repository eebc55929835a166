package disk

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"waybill/harness/lab"
	"waybill/harness/lab/labtest"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// machine is a host with a forgetting disk.
type machine struct {
	t     *testing.T
	disks *Disks
	host  *lab.Host
	model Model
	dir   string // where the disk is mounted; seen from the test it is the backing folder
}

func start(t *testing.T) *Disks {
	t.Helper()
	d, err := Start(t.Context())
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	return d
}

// boot makes a host whose folder data lies on a disk that has the host's name.
func boot(t *testing.T, l *lab.Lab, d *Disks, name, model string) *machine {
	t.Helper()
	h, err := l.AddHost(t.Context(), name)
	must(t, err)
	m, err := ParseModel(model)
	must(t, err)
	on := &machine{t: t, disks: d, host: h, model: m, dir: filepath.Join(h.Dir(), "data")}
	must(t, os.Mkdir(on.dir, 0o755))
	on.mount()
	return on
}

func (m *machine) mount() {
	m.t.Helper()
	dev, err := m.host.MountFUSE(m.t.Context(), m.dir)
	must(m.t, err)
	must(m.t, m.disks.Serve(m.t.Context(), m.host.Name(), m.dir, dev, m.model, 1))
}

// again kills the host, does something meanwhile, and brings it back with its disk.
func (m *machine) again(meanwhile func()) {
	m.t.Helper()
	must(m.t, m.host.Kill(m.t.Context()))
	meanwhile()
	must(m.t, m.host.Restart(m.t.Context()))
	m.mount()
}

// fail is a loss of power of this machine alone.
func (m *machine) fail() Loss {
	m.t.Helper()
	must(m.t, m.disks.Plug(m.t.Context(), m.host.Name()))
	var losses []Loss
	m.again(func() { losses = m.forget() })
	return losses[0]
}

func (m *machine) forget() []Loss {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), patience)
	defer cancel()
	losses, err := m.disks.Forget(ctx, m.host.Name())
	must(m.t, err)
	return losses
}

// start starts a program of this test binary on the machine; its arguments begin with the disk's folder.
func (m *machine) start(program string, args ...string) *lab.Process {
	m.t.Helper()
	p, err := m.host.Start(m.t.Context(), lab.Proc{Name: program, Program: program, Args: args, Control: true})
	must(m.t, err)
	return p
}

// run starts it and expects it to end well.
func (m *machine) run(program string, args ...string) {
	m.t.Helper()
	p := m.start(program, args...)
	select {
	case <-p.Done():
	case <-time.After(patience):
		m.t.Fatalf("%s %q did not end", program, args)
	}
	if e := p.Exit(); e.Code != 0 {
		m.t.Fatalf("%s %q: %+v", program, args, e)
	}
}

func (m *machine) awaitOutput(program, want string) {
	m.t.Helper()
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	limit := time.After(patience)
	for {
		text, _ := os.ReadFile(filepath.Join(m.host.Dir(), program+".stdout"))
		if strings.Contains(string(text), want) {
			return
		}
		select {
		case <-poll.C:
		case <-limit:
			m.t.Fatalf("%s did not print %q", program, want)
		}
	}
}

func TestTheProbeTellsAForgettingDiskFromAPlainOne(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		for _, model := range []string{"lazy", "strict", "torn"} {
			m := boot(t, l, start(t), model, model)
			m.start(ProgramProbe, "write", m.dir)
			m.awaitOutput(ProgramProbe, "written\n")
			loss := m.fail()
			m.run(ProgramProbe, "check", m.dir)
			t.Logf("%s: %+v", model, loss)
		}
	})
}
