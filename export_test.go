package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// A recorded run is written a lane a file: a queue without positions as a total queue, a log as jepsen.tests.kafka's workload.
func exportFrom(t *testing.T, d string) {
	out := filepath.Join(t.TempDir(), "histories")
	if b, err := waybill("export", "export", d, "-o", out).CombinedOutput(); err != nil {
		t.Fatalf("exit %s, want 0\n%s", exitCode(err), b)
	}
	for lane, ops := range map[string][]string{
		"core":             {":f :enqueue", ":f :dequeue", ":process :nemesis"},
		"jetstream-ledger": {":f :send", ":f :subscribe", ":value [[:poll {0 [[", ":f :start", ":f :stop"},
	} {
		b, err := os.ReadFile(filepath.Join(out, lane+".edn"))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range ops {
			if !bytes.Contains(b, []byte(want)) {
				t.Errorf("%s lacks %q", lane, want)
			}
		}
		// The fault alone kills a consumer: whatever was open ends, and what each invocation began is completed once.
		invoked := bytes.Count(b, []byte(":type :invoke"))
		lines := bytes.Count(b, []byte("\n"))
		others := bytes.Count(b, []byte(":process :nemesis")) + bytes.Count(b, []byte(":process :waybill"))
		if invoked < 1000 || lines-others != 2*invoked {
			t.Errorf("%s: %d invocations and %d other operations of clients: want as many completions, and a thousand at least", lane, invoked, lines-others-invoked)
		}
	}
	var stdout, stderr bytes.Buffer
	c := waybill("export", "export", d, "--format", "jsonl", "--lane", "core")
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		t.Fatalf("exit %s\n%s", exitCode(err), stderr.String())
	}
	if stderr.Len() > 0 || !bytes.Contains(stdout.Bytes(), []byte(`"kind":"send"`)) || bytes.Contains(stdout.Bytes(), []byte(`"kind":"scan-begin"`)) {
		t.Errorf("said %q; want nothing, and the sends of a lane that is never scanned", stderr.String())
	}
}
