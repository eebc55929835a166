package main

import (
	"bufio"
	"bytes"
	"strings"
	"syscall"
	"testing"

	"waybill/harness/lab/labtest"
	"waybill/results"
)

// A run that was ended at once has one exit code, whoever is asked: the process, what it printed, and the files that it left.
func TestARunThatWasEndedAtOnceHasOneExitCode(t *testing.T) {
	labtest.Hold(t)
	out := t.TempDir()
	c := waybill("ended", "test", "--mode", "core", "--fault", "pause-consumer", "--seed", "2", "--out", out)
	var said bytes.Buffer
	c.Stderr = &said
	printed, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for ended, scan := false, bufio.NewScanner(printed); scan.Scan(); {
		lines.WriteString(scan.Text() + "\n")
		if !ended && strings.Contains(scan.Text(), "pause-consumer: fault") {
			ended = true
			for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} { // two of a kind may arrive as one
				if err := c.Process.Signal(s); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if err := c.Wait(); err == nil || exitCode(err) != "4" {
		t.Errorf("exit %v, want 4\n%s%s", err, lines.String(), said.String())
	}
	if got := lines.String(); !strings.Contains(got, "exit code 4") || strings.Count(got, "exit code") != 1 {
		t.Errorf("want exit code 4, and no other, in\n%s", got)
	}
	v, err := results.Dir(runDir(t, out)).LoadVerdict()
	if err != nil || v.ExitCode != 4 {
		t.Errorf("saved exit code %d, %v", v.ExitCode, err)
	}
}
