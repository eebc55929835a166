package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"syscall"

	"waybill/harness/reexec"
)

// Step is one thing the machine permits, or not.
type Step struct {
	Name   string
	Can    bool
	Why    string   // errno and step
	Remedy string   // what would permit it; empty where it is permitted
	Faults []string // faults that need it
}

const programProbe = "lab-probe"

func init() { reexec.Register(programProbe, runProbe) }

// The steps that decide whether there can be a lab at all; probeSteps has those that are tried inside.
const (
	stepUser       = "user namespace"
	stepMap        = "mapping of the own user id to 0"
	stepNamespaces = "PID, mount, UTS, IPC and network namespaces"
)

// Faults by what they need. Every fault needs hosts, and so all that hosts need.
var (
	faultsOfNetwork = []string{"isolate-broker", "isolate-leader", "isolate-leader-hard", "partition-ring", "bridge", "cut-clients", "lose-confirms", "lose-acks"}
	faultsOfLinks   = []string{"slow-link"}
	faultsOfDisks   = []string{"power-failure"}
	faultsOfAll     = slices.Concat([]string{
		"kill-consumer", "kill-producer", "kill-broker", "kill-leader", "kill-controller", "kill-all",
		"pause-consumer", "pause-broker", "restart-broker",
		"drop-confirms", "drop-acks", "drop-commits", "delay-acks", "hold-requests", "duplicate-requests",
	}, faultsOfNetwork, faultsOfLinks, faultsOfDisks)
)

// result is a step as it was tried, in this process or a child.
type result struct {
	Name  string
	Error string
	Errno syscall.Errno
}

// Probe tries each step that a lab and its faults take, for real, in children with namespaces of their own, and
// leaves nothing behind. It takes about 0.1 s. Steps that could not be tried since an earlier one is refused say so.
func Probe(ctx context.Context) []Step {
	var results []result
	outer := []struct {
		name  string
		attrs *syscall.SysProcAttr
	}{
		{stepUser, &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}},
		{stepMap, mappedOnly(namespaces(false))},
		{stepNamespaces, namespaces(false)},
	}
	if privileged() {
		outer = outer[2:]
	}
	missing := ""
	for _, o := range outer {
		if missing != "" {
			results = append(results, untried(o.name, missing))
			continue
		}
		inside, err := probeIn(ctx, o.attrs, o.name == stepNamespaces)
		results = append(results, resultOf(o.name, err))
		results = append(results, inside...)
		if err != nil {
			missing = o.name
		}
	}
	for _, s := range probeSteps {
		if !slices.ContainsFunc(results, func(r result) bool { return r.Name == s.name }) {
			results = append(results, untried(s.name, stepNamespaces))
		}
	}
	steps := make([]Step, len(results))
	for i, r := range results {
		steps[i] = r.judge(readSetting)
	}
	return steps
}

// mappedOnly keeps the user namespace of attrs alone.
func mappedOnly(attrs *syscall.SysProcAttr) *syscall.SysProcAttr {
	attrs.Cloneflags = syscall.CLONE_NEWUSER
	return attrs
}

// probeIn starts a child with these attributes; the child tries the steps inside if it is told to. The error is that
// of starting the child.
func probeIn(ctx context.Context, attrs *syscall.SysProcAttr, steps bool) ([]result, error) {
	output, input, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer output.Close()
	var args []string
	if steps {
		args = []string{"steps"}
	}
	child := &exec.Cmd{Path: reexec.Self, Args: reexec.Argv(programProbe, args...), Stdout: input, SysProcAttr: attrs}
	err = child.Start()
	input.Close()
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = child.Process.Kill() }) // an error means that it has ended
	defer stop()
	var results []result
	for d := json.NewDecoder(output); ; {
		var r result
		if err := d.Decode(&r); err != nil {
			if !errors.Is(err, io.EOF) && len(results) == 0 {
				return nil, errors.Join(err, child.Wait())
			}
			break
		}
		results = append(results, r)
	}
	return results, errors.Join(ctx.Err(), child.Wait())
}

// runProbe is the child: it tries the steps in order and prints what came of them, a line of JSON each.
func runProbe(args []string) int {
	if len(args) == 0 {
		return 0 // that it could be started is what was asked
	}
	say := json.NewEncoder(os.Stdout)
	refused := map[string]bool{}
	for _, s := range probeSteps {
		r := result{Name: s.name}
		if refused[s.after] {
			r = untried(s.name, s.after)
		} else {
			r = resultOf(s.name, s.try())
		}
		refused[s.name] = r.Error != ""
		if err := say.Encode(r); err != nil {
			return 4
		}
	}
	return 0
}

func resultOf(name string, err error) result {
	r := result{Name: name}
	if err != nil {
		r.Error = err.Error()
		errors.As(err, &r.Errno)
	}
	return r
}

func untried(name, missing string) result {
	return result{Name: name, Error: fmt.Sprintf("not tried: it needs %q", missing)}
}

// judge turns a result into a step, with what would permit it.
func (r result) judge(setting func(string) string) Step {
	s := Step{Name: r.Name, Can: r.Error == "", Why: r.Error, Faults: faultsOfAll}
	for _, p := range probeSteps {
		if p.name == r.Name {
			s.Faults = p.faults
		}
	}
	if !s.Can {
		s.Remedy = remedy(r, setting)
	}
	return s
}
