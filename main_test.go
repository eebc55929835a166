package main

import (
	"flag"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"waybill/harness/cli"
	"waybill/harness/reexec"
)

// asWaybill is the name under which this test binary is the command itself, in a process of its own.
const asWaybill = "waybill-under-test"

func TestMain(m *testing.M) {
	reexec.Register(asWaybill, func(args []string) int { return cli.Main(args, os.Stdout, os.Stderr) })
	reexec.Register(asWaybillOnSmallDisk, smallDisk)
	reexec.Dispatch()
	testscript.Main(m, map[string]func(){"waybill": main})
}

var update = flag.Bool("update", false, "rewrite what the scripts expect")

// TestCommandLine types commands as a user does: what is printed, where, and the exit code.
func TestCommandLine(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Cmds:          map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

// exits CODE COMMAND... runs a command and demands that very exit code, which the built-in exec cannot tell from another failure.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := "0"
	if err != nil {
		code = exitCode(err)
	}
	if code != args[0] {
		ts.Fatalf("exit code %s, want %s: %v", code, args[0], err)
	}
}
