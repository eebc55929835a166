package run

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/lab"
	"waybill/harness/reexec"
	"waybill/targets"
)

// controllerProgram is the name under which the binary is started inside the lab.
const controllerProgram = "controller"

func init() { reexec.Register(controllerProgram, controllerMain) }

// Job is what the controller needs besides the experiment: where the run directory is, and what was provisioned.
type Job struct {
	Dir          string // absolute
	Distribution targets.Distribution
	Access       *targets.Access // to somebody else's cluster; nil: the harness runs the brokers. Never written down.
	Ledger       string          // database of the effect ledger, with its password; "": SQLite. Never written down.
	Relay        string          // socket in the lab that leads to that database: Start's own
	Experiment   experiment.Experiment
	Schedule     experiment.Schedule
}

// History is the folder of the segments.
func (j Job) History() string { return filepath.Join(j.Dir, "history") }

// Lab is the folder of the hosts: brokers' data and workers' output, removed after a run that went well.
func (j Job) Lab() string { return filepath.Join(j.Dir, "lab") }

// Running is a run in its lab, seen from outside.
type Running struct {
	outside *lab.Outside
	relay   *relay // nil: nothing outside the lab is needed
	control *os.File
	told    chan Progress
}

// Start starts the lab and the controller in it. The caller must read Progress until it is closed, then call Wait.
func Start(j Job) (*Running, error) {
	if err := os.MkdirAll(j.History(), 0o755); err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	relay, err := ledgerRelay(&j)
	if err != nil {
		return nil, err
	}
	r, err := enter(lab.Spec{Dir: j.Lab(), Program: controllerProgram, FastHeal: j.Experiment.FastHeal,
		Overlay: j.Distribution.Overlay, HostNetwork: j.Access != nil}, j)
	if err != nil {
		return nil, errors.Join(err, relay.close())
	}
	r.relay = relay
	return r, nil
}

// enter starts a lab with a program of this package in it, which is told its job.
func enter(s lab.Spec, job any) (*Running, error) {
	ours, theirs, err := lab.ControlPair()
	if err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	defer theirs.Close()
	s.Control = theirs
	out, err := lab.Enter(s)
	if err != nil {
		return nil, errors.Join(err, ours.Close())
	}
	r := &Running{outside: out, control: ours, told: make(chan Progress)}
	if err := r.write(job); err != nil {
		out.Kill()
		return nil, errors.Join(err, ours.Close())
	}
	go r.listen()
	return r, nil
}

// write hands a line over to the program in the lab.
func (r *Running) write(order any) error {
	line, err := json.Marshal(order)
	if err == nil {
		_, err = r.control.Write(append(line, '\n'))
	}
	if err != nil {
		return fmt.Errorf("run: %w", err)
	}
	return nil
}

func (r *Running) listen() {
	defer close(r.told)
	d := json.NewDecoder(bufio.NewReader(r.control))
	for {
		var p Progress
		if d.Decode(&p) != nil {
			return // the controller has ended: Wait says how
		}
		r.told <- p
	}
}

// Progress is closed when the controller ends.
func (r *Running) Progress() <-chan Progress { return r.told }

// Interrupt asks the run to heal, drain, scan and end.
func (r *Running) Interrupt() error {
	if _, err := r.control.WriteString("interrupt\n"); err != nil {
		return fmt.Errorf("run: interrupt: %w", err)
	}
	return nil
}

// Kill ends the lab and everything in it at once.
func (r *Running) Kill() { r.outside.Kill() }

// Wait waits until nothing of the lab is left, then seals what killed lives recorded.
func (r *Running) Wait(j Job) (code int, err error) {
	code, err = r.end()
	return code, errors.Join(err, sealOrphans(j.History()))
}

// end waits until nothing of the lab is left.
func (r *Running) end() (code int, err error) {
	code, err = r.outside.Wait()
	r.control.Close()
	return code, errors.Join(err, r.relay.close())
}

// sealOrphans seals what killed lives recorded in a folder.
func sealOrphans(dir string) error {
	segments, err := filepath.Glob(filepath.Join(dir, "*"+history.Extension))
	for _, s := range segments {
		err = errors.Join(err, history.SealOrphan(s))
	}
	return err
}

// controllerMain is the program inside the lab. Its exit code is 0 when the history is complete, drained or not, and 4 when the run failed.
func controllerMain([]string) int { return serveControl(direct) }

// serveControl is a program inside the lab that is told its job over the control socket, and tells how it gets on.
func serveControl(direct func(in *bufio.Reader, tell func(Progress)) error) int {
	control := lab.Control()
	if control == nil {
		fmt.Fprintln(os.Stderr, "controller: started without a control socket; only the harness starts it")
		return 4
	}
	in := bufio.NewReader(control)
	var mu sync.Mutex
	tell := func(p Progress) {
		line, err := json.Marshal(p)
		if err != nil {
			return // made of strings and numbers
		}
		mu.Lock()
		defer mu.Unlock()
		control.Write(append(line, '\n')) // nobody listening is no reason to stop: the history is what counts
	}
	if err := direct(in, tell); err != nil {
		tell(Progress{Error: err.Error(), Full: errors.Is(err, errDiskFull) || errors.Is(err, syscall.ENOSPC)})
		return 4
	}
	return 0
}

// direct reads the job and carries it out.
func direct(in *bufio.Reader, tell func(Progress)) error {
	line, err := in.ReadString('\n')
	if err != nil {
		return fmt.Errorf("run: read the job: %w", err)
	}
	var j Job
	if err := json.Unmarshal([]byte(line), &j); err != nil {
		return fmt.Errorf("run: read the job: %w", err)
	}
	target, ok := targets.Find(j.Experiment.Target)
	if !ok {
		return fmt.Errorf("run: no target %q in this binary", j.Experiment.Target)
	}
	l, err := lab.Open()
	if err != nil {
		return err
	}
	journal, err := newJournal(j.History(), j.Experiment.Run)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	soft, stop := context.WithCancel(ctx)
	defer stop()
	c := &controller{job: j, exp: j.Experiment, lab: l, target: target, product: target.Describe(j.Experiment.Version), journal: journal, tell: tell, cancel: cancel,
		brokers: map[string]*broker{}, members: map[string]*member{}, configs: map[string]string{}}
	if c.frames, err = needsFrames(j.Schedule); err != nil {
		return errors.Join(err, journal.close(), l.Close())
	}
	c.lives.Store(uint32(controllerLife))
	for i, spec := range j.Experiment.Lanes {
		c.lanes = append(c.lanes, &lane{index: i, spec: spec})
	}
	go func() {
		for {
			order, err := in.ReadString('\n')
			if err != nil {
				return // our parent has ended; the lab's lifeline sees to the rest
			}
			if strings.TrimSpace(order) == "interrupt" {
				stop()
			}
		}
	}()
	go heartbeat(ctx, journal.rec, journal.starve)
	err = c.run(ctx, soft, j.Schedule)
	cancel()
	return errors.Join(err, journal.close(), l.Close(), c.disks.close())
}
