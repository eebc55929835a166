package window_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"waybill/checkers/linear"
	"waybill/checkers/linear/window"
)

// long is a log's history of many appends, two of which are out of order.
func long(n int) []linear.Operation {
	var ops []linear.Operation
	for i := range n {
		ops = append(ops, linear.Operation{Kind: linear.Append, Client: i % 5, Value: uint64(i + 1), Position: int64(i + 1),
			Call: int64(10*i - 12), Return: int64(10*i + 12)})
	}
	a, b := &ops[n/2], &ops[n/2+4]
	a.Position, b.Position = b.Position, a.Position
	return ops
}

func cut(t *testing.T, ops []linear.Operation, most int) window.Picture {
	t.Helper()
	v, err := linear.CheckLog(ops)
	if err != nil || v.Linearizable() {
		t.Fatalf("%v, %v: want a violation", v, err)
	}
	in := window.Around(ops, v[0].Witness, most)
	p := window.Picture{Log: true, Name: func(v uint64) string { return fmt.Sprintf("<m%d>", v) }}
	p.Violation.Pattern = v[0].Pattern
	for i, j := range in {
		p.Operations = append(p.Operations, ops[j])
		for _, w := range v[0].Witness {
			if w == j {
				p.Violation.Witness = append(p.Violation.Witness, i)
			}
		}
	}
	return p
}

func TestAWindowIsSmallAndShowsTheViolation(t *testing.T) {
	for _, most := range []int{2, 10, 40} {
		p := cut(t, long(10_000), most)
		if n := len(p.Operations); n > most || most == 2 && n != 2 {
			t.Errorf("%d operations, want at most %d", n, most)
		}
		var page bytes.Buffer
		illegal, err := window.Draw(&page, p)
		if err != nil || !illegal {
			t.Errorf("of %d operations porcupine says illegal: %v, %v", len(p.Operations), illegal, err)
		}
	}
}

func TestAQueuesWindowKeepsBothOperationsOfAValue(t *testing.T) {
	var ops []linear.Operation
	for i := range 40 {
		at := int64(10 * i)
		ops = append(ops, linear.Operation{Kind: linear.Enqueue, Value: uint64(i + 1), Call: at, Return: at + 15})
		ops = append(ops, linear.Operation{Kind: linear.Dequeue, Client: 1, Value: uint64(i + 1), Call: at + 5, Return: at + 30})
	}
	ops = append(ops, linear.Operation{Kind: linear.Dequeue, Client: 2, Call: 100, Return: linear.Pending})
	ops[20].Value, ops[50].Value = ops[50].Value, ops[20].Value
	v, err := linear.CheckQueue(ops)
	if err != nil || v.Linearizable() {
		t.Fatal(v, err)
	}
	in := window.Around(ops, v[0].Witness, 20)
	count := map[uint64]int{}
	for _, i := range in {
		if ops[i].Return == linear.Pending {
			t.Error("a pending dequeue may have taken what is not in the window")
		}
		count[ops[i].Value]++
	}
	for value, n := range count {
		if n != 2 {
			t.Errorf("%d operations on value %d", n, value)
		}
	}
	if len(in) > 21 {
		t.Errorf("%d operations", len(in))
	}
}

func TestThePageHoldsTheWitnessEscapedAndAsksForNothing(t *testing.T) {
	var page bytes.Buffer
	if _, err := window.Draw(&page, cut(t, long(100), 20)); err != nil {
		t.Fatal(err)
	}
	s := page.String()
	if strings.Contains(s, "<m5") {
		t.Error("a name is not escaped")
	}
	if !strings.Contains(s, "witness") || !strings.Contains(s, `append \u003cm55\u003e`) {
		t.Error("the witness is not on the page")
	}
	for _, asks := range []string{"<script src", "<link", "@import", "url(", "fetch(", "XMLHttpRequest"} {
		if strings.Contains(s, asks) {
			t.Errorf("the page asks for something: %s", asks)
		}
	}
}

// browser is the name of a Chromium, or "" after saying what is not tested.
func browser(t *testing.T) string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "headless_shell"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("WAYBILL_REQUIRE") == "all" {
		t.Fatal("no Chromium here, and WAYBILL_REQUIRE=all: install one, or leave the demand out")
	}
	t.Skip("no Chromium here: not tested that a browser draws the page")
	return ""
}

func TestABrowserDrawsThePageWithoutANetwork(t *testing.T) {
	name := browser(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "window.html")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := window.Draw(f, cut(t, long(100), 20)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, name, "--headless", "--no-sandbox", "--disable-gpu", "--proxy-server=127.0.0.1:9", "--user-data-dir="+dir,
		"--virtual-time-budget=5000", "--dump-dom", "file://"+file)
	var words bytes.Buffer
	cmd.Stderr = &words
	dom, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, words.String())
	}
	if n := bytes.Count(dom, []byte("<rect")); n < 20 {
		t.Errorf("the browser drew %d bars, want one for each of 20 operations (%d bytes of page)", n, len(dom))
	}
	if !bytes.Contains(dom, []byte("witness")) {
		t.Error("the witness is not drawn")
	}
}
