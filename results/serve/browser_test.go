package serve

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"waybill/harness/history"
	"waybill/harness/semantics"
	"waybill/results/page/browsertest"
)

func chtimes(path string, at time.Time) error { return os.Chtimes(path, at, at) }

// within waits for what a page does in its own time.
func within(t *testing.T, claim string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(20 * time.Second); !holds(); {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("not after twenty seconds: %s", claim)
		}
	}
}

// quiet fails unless a page wrote nothing to the console and asked nobody but this server.
func quiet(t *testing.T, b *browsertest.Tab, server string) {
	t.Helper()
	if said := b.Console(); len(said) > 0 {
		t.Errorf("the console has %q", said)
	}
	for _, r := range b.Requests() {
		if !strings.HasPrefix(r, server+"/") {
			t.Errorf("a page asked for %s", r)
		}
	}
}

// fits reports whether nothing is wider than the window.
func fits(b *browsertest.Tab) bool {
	return browsertest.Eval[bool](b, "document.documentElement.scrollWidth <= innerWidth")
}

func text(b *browsertest.Tab) string { return browsertest.Eval[string](b, "document.body.innerText") }

func TestPagesInABrowser(t *testing.T) {
	t.Parallel()
	b := browsertest.Open(t)
	dir := t.TempDir()
	some(t, dir)
	odd := makeRun(t, dir, made{target: "nats", profile: hostile, modes: []string{hostile, strings.Repeat("long", 80)}, faults: []string{hostile}, seed: 99, result: semantics.Broken, after: -time.Hour,
		findings: []semantics.Finding{{ID: 1, Lane: hostile, Anomaly: hostile, Stage: semantics.Stored, Count: 1, Breaks: true, Detail: hostile}}})
	makeBench(t, dir, 3)
	s := open(t, Options{Dir: dir, Hosts: []string{}})
	server := listening(t, s)

	t.Run("the list is filtered by keyboard", func(t *testing.T) {
		b.Visit(server.URL + "/")
		reached := []string{}
		for range 5 {
			b.Press(kb.Tab)
			reached = append(reached, browsertest.Eval[string](b, "document.activeElement.name || document.activeElement.innerText"))
		}
		if want := []string{"target", "result", "fault", "q", "Filter"}; !slices.Equal(reached, want) {
			t.Fatalf("Tab leads to %q, want %q", reached, want)
		}
		b.Visit(server.URL + "/")
		b.Press(kb.Tab + "kafka")
		b.Press(kb.Tab + kb.Tab + kb.Tab + "vanished" + kb.Enter)
		within(t, "the address has what was chosen", func() bool {
			return browsertest.Eval[string](b, "location.search") == "?target=kafka&result=&fault=&q=vanished"
		})
		within(t, "one run is listed", func() bool {
			return browsertest.Eval[int](b, "document.querySelectorAll('.listing tbody tr').length") == 1
		})
		if got := text(b); !strings.Contains(got, "1 of 5 runs") || !strings.Contains(got, "✗ broken") {
			t.Errorf("the list says\n%s", got)
		}
		if !browsertest.Eval[bool](b, "document.querySelector('[name=target]').value == 'kafka'") {
			t.Error("the form forgot what was chosen")
		}
		quiet(t, b, server.URL)
	})
	t.Run("every page fits a telephone and a wide window, in both themes", func(t *testing.T) {
		for _, at := range []string{"/", "/?q=nothing+is+like+this", string(runLink(address(t, dir, odd))), string(runLink(address(t, dir, odd), "story")), "/bench/bench/20261121T081500Z-7/", "/nowhere"} {
			for _, width := range []int{360, 1280} {
				for _, theme := range []string{"light", "dark"} {
					b.Viewport(width, 800)
					b.Media("screen", theme)
					b.Visit(server.URL + at)
					if !fits(b) {
						t.Errorf("%s is wider than %d pixels", at, width)
					}
				}
			}
		}
		b.Viewport(1280, 900)
		for _, said := range b.Console() {
			if !strings.Contains(said, "404") { // of /nowhere itself
				t.Errorf("the console has %q", said)
			}
		}
	})
	t.Run("what a broker wrote stays text", func(t *testing.T) {
		for _, at := range []string{"/", string(runLink(address(t, dir, odd))), "/?q=%3Cscript%3Ealert(1)%3C/script%3E"} {
			b.Visit(server.URL + at)
			if n := browsertest.Eval[int](b, "document.querySelectorAll('script:not([src]), main b b, iframe, object').length"); n != 0 {
				t.Errorf("%s has %d elements that a broker wrote", at, n)
			}
		}
		b.Visit(server.URL + string(runLink(address(t, dir, odd))))
		if !strings.Contains(text(b), `core"><script>alert(1)</script>\x1b[31m`) {
			t.Errorf("the name is shown as\n%s", text(b))
		}
	})
}

func TestALivePageInABrowser(t *testing.T) {
	t.Parallel()
	b := browsertest.Open(t)
	dir := t.TempDir()
	run := begun(t, dir, hostile)
	run.event(t, history.Event{Kind: history.EpisodeBegin, Ref: 1, Name: "kill-leader"})
	run.beat(100)
	s := open(t, Options{Dir: dir, Hosts: []string{}, Auditor: teller{found: []Found{{Finding: semantics.Finding{Lane: hostile, Anomaly: "corrupt", Count: 2, Detail: hostile, Breaks: true}}}}})
	server := listening(t, s)
	b.Visit(server.URL + string(runLink(address(t, dir, run.dir))))
	within(t, "the finding is there", func() bool { return strings.Contains(text(b), "corrupt") })
	for i := range uint64(4) {
		run.beat(1000 * (i + 1))
		want := []string{"1,100", "3,100", "6,100", "10,100"}[i]
		within(t, "applied in all is "+want, func() bool { return strings.Contains(text(b), want) })
	}
	if !browsertest.Eval[bool](b, "document.querySelector('polyline.applied').getAttribute('points').split(' ').length >= 3") {
		t.Error("the rates are not drawn")
	}
	if !fits(b) {
		t.Error("it is wider than the window")
	}
	run.event(t, history.Event{Kind: history.FaultInject, Ref: 1, Text: hostile})
	within(t, "the strike is told", func() bool { return strings.Contains(text(b), "the fault strikes") })
	server.CloseClientConnections()
	within(t, "a lost connection is told", func() bool { return strings.Contains(text(b), "does not answer") })
	within(t, "it is made again", func() bool { return !strings.Contains(text(b), "does not answer") })
	run.event(t, history.Event{Kind: history.FaultRecover, Ref: 1})
	within(t, "what came after is told", func() bool { return strings.Contains(text(b), "recovering") })
	must(t, run.dir.SaveVerdict(semantics.Verdict{Schema: semantics.VerdictSchema, Target: "nats", Result: semantics.Kept}))
	within(t, "the verdict is there", func() bool { return strings.Contains(text(b), "✓ kept") })
	if n := browsertest.Eval[int](b, "document.querySelectorAll('script:not([src])').length"); n != 0 {
		t.Errorf("%d scripts of a broker's", n)
	}
	for _, said := range b.Console() {
		if !strings.Contains(said, "ERR_") { // of the connection that was cut
			t.Errorf("the console has %q", said)
		}
	}
	asked := len(b.Requests())
	b.Visit(server.URL + string(runLink(address(t, dir, run.dir))))
	if again := b.Requests()[asked:]; slices.ContainsFunc(again, func(r string) bool { return strings.HasSuffix(r, "/live") }) {
		t.Errorf("a run that is judged is followed: %q", again)
	}
}

// A report is opened as it was written, and can do nothing here: not even ask this server.
func TestAReportIsInASandbox(t *testing.T) {
	t.Parallel()
	b := browsertest.Open(t)
	dir := t.TempDir()
	d := makeRun(t, dir, made{target: "nats", modes: []string{"core"}, seed: 1, result: semantics.Kept})
	write(t, d.Report(), `<!DOCTYPE html><title>r</title><link rel="icon" href="data:,"/><p id="p">as written</p><script>document.getElementById("p").textContent = "acted"; fetch("/")</script><img src="/run/x">`)
	s := open(t, Options{Dir: dir, Hosts: []string{}})
	server := listening(t, s)
	at := string(runLink(address(t, dir, d), "report.html"))
	b.Visit(server.URL + at)
	if got := text(b); !strings.Contains(got, "as written") {
		t.Errorf("the report says %q", got)
	}
	within(t, "the browser says what it refused", func() bool { return strings.Contains(strings.Join(b.Console(), "\n"), "Content Security Policy") })
	if got := b.Requests(); len(got) != 1 && slices.ContainsFunc(got[1:], func(r string) bool { return r == server.URL+"/" }) {
		t.Errorf("the report asked for %q", got)
	}
	if browsertest.Eval[string](b, "String(origin)") != "null" {
		t.Error("the report has the server's own origin")
	}
}
