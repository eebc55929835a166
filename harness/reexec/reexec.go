// Package reexec lets one binary be many programs: it starts itself again under another name.
//
// The name is argv[0] and not an environment variable, which children would inherit. Names of inherited files
// travel the same way. Programs register themselves from init functions; main and every TestMain call Dispatch
// first thing, and Argv panics where that was forgotten: otherwise a test binary would start itself without end.
// The package starts nothing by itself.
package reexec

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
)

// prefix keeps our names apart from anything a shell would call us.
const prefix = "waybill:"

var (
	programs   = map[string]func(args []string) int{}
	dispatched atomic.Bool
)

// Register makes main the program called name. It panics on a name registered twice, or one that cannot be told
// from the names of files. Call it from init.
func Register(name string, main func(args []string) int) {
	if _, twice := programs[name]; twice {
		panic(fmt.Sprintf("reexec: %q is registered twice", name))
	}
	if name == "" || strings.Contains(name, separator) {
		panic(fmt.Sprintf("reexec: %q is no name for a program: expected at least one character and no %q", name, separator))
	}
	programs[name] = main
}

// Dispatch runs the program that this process was started as and exits with its code;
// it returns if the process was started in the ordinary way.
func Dispatch() {
	dispatched.Store(true)
	name, ours := strings.CutPrefix(os.Args[0], prefix)
	if !ours {
		return
	}
	name, files := parse(name)
	main, known := programs[name]
	if !known {
		fmt.Fprintf(os.Stderr, "reexec: no program %q in this binary\n", name)
		os.Exit(4)
	}
	adopt(files)
	os.Exit(main(os.Args[1:]))
}

// Argv is the argument vector that makes this binary the program called name. It panics if this process has not
// called Dispatch, since then its copy would not either.
func Argv(name string, args ...string) []string { return ArgvFiles(name, nil, args...) }

// ArgvFiles is Argv for a program that is also handed files: the descriptors from 3 on, under these names.
// The program gets them by Inherited.
func ArgvFiles(name string, files []string, args ...string) []string {
	if !dispatched.Load() {
		panic("reexec: main, or this package's TestMain, must call reexec.Dispatch first")
	}
	return append([]string{prefix + strings.Join(append([]string{name}, files...), separator)}, args...)
}

// Self is the path by which this process can be executed again, whatever has been mounted over its file since.
const Self = "/proc/self/exe"

// Command is an exec.Cmd that starts this binary as the program called name.
func Command(name string, args ...string) *exec.Cmd {
	return &exec.Cmd{Path: Self, Args: Argv(name, args...)}
}
