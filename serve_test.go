package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"waybill/harness/history"
	"waybill/harness/lab/labtest"
	"waybill/results/page/browsertest"
)

// served starts waybill serve in a process of its own, and returns the address that it prints.
func served(t *testing.T, dir string) (c *exec.Cmd, url string) {
	t.Helper()
	c = waybill("serve", "serve", "--listen", "127.0.0.1:0", "--dir", dir)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill() // where the test ended it already, there is nothing to kill
		_ = c.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "http://127.0.0.1:") {
		t.Fatalf("it printed %q: %v", line, err)
	}
	return c, strings.TrimSpace(line)
}

// page is what an address answers.
func page(t *testing.T, url string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil || a.StatusCode != http.StatusOK {
		t.Fatalf("%s answers %d: %v\n%s", url, a.StatusCode, err, b)
	}
	return string(b)
}

func TestServeEndsAtOnceWithAnInterrupt(t *testing.T) {
	c, url := served(t, t.TempDir())
	page(t, url)
	began := time.Now()
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil || time.Since(began) > 5*time.Second {
		t.Errorf("it ended after %s: %v", time.Since(began), err)
	}
}

func TestServeSaysThatItsAddressIsTaken(t *testing.T) {
	_, url := served(t, t.TempDir())
	at := strings.Trim(strings.TrimPrefix(url, "http:"), "/")
	b, err := waybill("taken", "serve", "--listen", at, "--dir", t.TempDir()).CombinedOutput()
	if err == nil || exitCode(err) != "3" || !strings.Contains(string(b), at+" is taken") {
		t.Errorf("exit %v\n%s", err, b)
	}
}

func TestServeWarnsBeforeOtherMachinesCanRead(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c := waybill("open", "serve", "--listen", "0.0.0.0:0", "--dir", t.TempDir())
	said, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	context.AfterFunc(ctx, func() { _ = c.Process.Kill() }) // so that reading ends
	line, err := bufio.NewReader(said).ReadString('\n')
	if !strings.Contains(line, "everybody who reaches it can read every run") {
		t.Errorf("it said %q: %v", line, err)
	}
	_ = c.Process.Signal(syscall.SIGTERM)
	if err := c.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// A run that another process makes is shown while it goes on, with rates, and then its verdict, report and stories.
func TestServeShowsARunInProgress(t *testing.T) {
	labtest.Hold(t)
	out := t.TempDir()
	b := browsertest.Open(t)
	_, url := served(t, out)
	run := waybill("shown", "test", "--mode", "jetstream-ledger", "--fault", "kill-consumer", "--seed", "3", "--out", out)
	ended := make(chan error, 1)
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { ended <- run.Wait() }()
	var d string
	shows(t, "the run's directory is listed as running", func() bool {
		found, _ := filepath.Glob(filepath.Join(out, "nats", "*"))
		if len(found) == 1 {
			d = found[0]
		}
		return d != "" && strings.Contains(page(t, url+"?result=running"), filepath.Base(d))
	})
	b.Visit(url + "run/nats/" + filepath.Base(d) + "/")
	said := func() string { return browsertest.Eval[string](b, "document.body.innerText") }
	rate := regexp.MustCompile(`jetstream-ledger\s+[1-9][\d.,]*\s+[1-9][\d.,]*\s+[1-9][\d.,]*`) // sent, acknowledged, applied
	shows(t, "the rates of its lane are shown", func() bool { return rate.MatchString(said()) })
	shows(t, "its verdict is shown when it ends", func() bool { return strings.Contains(said(), "✓ kept") })
	if err := <-ended; err != nil {
		t.Errorf("the run that was watched ended with %v", err)
	}
	if log := b.Console(); len(log) > 0 {
		t.Errorf("the console has %q", log)
	}
	b.Visit(url + "run/nats/" + filepath.Base(d) + "/report.html")
	if !strings.Contains(said(), "Every promise kept") {
		t.Errorf("its report says\n%.400s", said())
	}
	h, err := history.Open(filepath.Join(d, "history"))
	if err != nil {
		t.Fatal(err)
	}
	var told string
	for _, x := range h.Segments() {
		if x.Header.Role == "producer" {
			told = page(t, url+"run/nats/"+filepath.Base(d)+"/story/"+history.Msg{Life: x.Header.Life, Seq: 7}.Prefix(x.Header.Run))
			break
		}
	}
	for _, want := range []string{"acknowledged", "Its life"} {
		if !strings.Contains(told, want) {
			t.Errorf("the story of a message lacks %q\n%s", want, told)
		}
	}
}

// shows waits for what a page shows in the course of a run.
func shows(t *testing.T, claim string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(2 * time.Minute); !holds(); {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("not after two minutes: %s", claim)
		}
	}
}
