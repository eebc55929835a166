package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"waybill/harness/reexec"
)

const programInit = "lab-init"

func init() { reexec.Register(programInit, runInit) }

// runInit is PID 1 of the lab: it starts the program, reaps, and ends with the program or with the starter.
func runInit(args []string) int {
	lifeline := reexec.Inherited(fileLifeline)
	if lifeline == nil || len(args) == 0 || os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "lab: lab-init is started by lab.Enter only")
		return 4
	}
	// Whatever the starter's shell left open is not handed on to what runs in the lab. Kernels before 5.11 cannot say
	// this in one call, and there it does no more harm than to any program that a shell starts.
	_ = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	say := json.NewEncoder(lifeline)
	fail := func(step string, err error) int {
		r := report{Step: step, Error: err.Error()}
		errors.As(err, &r.Errno)
		_ = say.Encode(r) // without a starter nobody is left to be told
		return 4
	}
	go func() {
		// Nothing is ever sent here: reading ends when the starter does.
		_, _ = io.Copy(io.Discard, lifeline)
		os.Exit(4)
	}()
	var in inside
	if err := json.NewDecoder(reexec.Inherited(fileSpec)).Decode(&in); err != nil {
		return fail("reading what the lab is to be", err)
	}
	if step, err := mountLab(in.Overlay); err != nil {
		return fail(step, err)
	}
	spec, err := specPipe(in)
	if err != nil {
		return fail("handing on what the lab is to be", err)
	}

	children := newReaper()
	names, files := []string{fileSpec}, []*os.File{nil, os.Stdout, os.Stderr, spec}
	if control := reexec.Inherited(fileControl); control != nil {
		names, files = append(names, fileControl), append(files, control)
	}
	ended := make(chan syscall.WaitStatus, 1)
	_, err = children.start(command{
		path:  reexec.Self,
		argv:  reexec.ArgvFiles(args[0], names, args[1:]...),
		env:   os.Environ(),
		files: files,
	}, nil, func(status syscall.WaitStatus) { ended <- status })
	if err != nil {
		return fail("starting "+args[0], err)
	}
	for _, f := range files[3:] {
		f.Close() // so that the program's end is the end of file for whoever holds the other end
	}
	_ = say.Encode(report{Ready: true}) // if the starter is gone, so are we, by the lifeline
	status := <-ended
	r := report{Ended: true, Code: status.ExitStatus()}
	if status.Signaled() {
		r.Signal = status.Signal().String()
	}
	_ = say.Encode(r)
	return 0
}
