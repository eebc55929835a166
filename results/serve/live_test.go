package serve

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"waybill/harness/history"
	"waybill/harness/semantics"
	"waybill/results"
)

// recorded is a run in progress: what its processes record, by hand.
type recorded struct {
	dir     results.Dir
	journal *history.Recorder
	client  *history.Recorder
}

// listening serves to real connections until the test ends.
func listening(t *testing.T, s *Server) *httptest.Server {
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		server.CloseClientConnections() // events have no end of their own
		server.Close()
	})
	return server
}

func record(t testing.TB, d results.Dir, life history.Life, role, lane string) *history.Recorder {
	t.Helper()
	r, err := history.Create(filepath.Join(d.History(), fmt.Sprintf("%05d-%s.seg", life, role)), history.Header{Run: "r0000001", Life: life, Role: role, Lane: lane})
	must(t, err)
	return r
}

func begun(t testing.TB, parent string, lane string) recorded {
	t.Helper()
	d := makeRun(t, parent, made{target: "nats", profile: "default", modes: []string{lane}, faults: []string{"kill-leader", "drop-acks"}, seed: 1, after: time.Since(startedAt)})
	r := recorded{dir: d, journal: record(t, d, 1, "controller", ""), client: record(t, d, 2, "producer", lane)}
	t.Cleanup(func() { r.journal.Close(); r.client.Close() })
	return r
}

func (r recorded) event(t testing.TB, e history.Event) {
	t.Helper()
	must(t, r.journal.Record(&e))
}

// beat counts n messages of every kind, as a client does while it lives.
func (r recorded) beat(n uint64) {
	c := r.client.Counters()
	c.Store(history.Heartbeat, uint64(r.client.Now()))
	for _, k := range []history.Counter{history.Sent, history.AckedSends, history.Applied} {
		c.Add(k, n)
	}
}

// heard is an event as a browser gets it.
type heard struct{ name, data string }

// listen reads events of a page in the background until the server ends them; then the channel is closed.
func listen(t *testing.T, url string) <-chan heard {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	must(t, err)
	a, err := http.DefaultClient.Do(r)
	must(t, err)
	t.Cleanup(func() { a.Body.Close() })
	if kind := a.Header.Get("Content-Type"); a.StatusCode != 200 || !strings.HasPrefix(kind, "text/event-stream") {
		t.Fatalf("%s answers %d %s", url, a.StatusCode, kind)
	}
	out := make(chan heard)
	go func() {
		defer close(out)
		var e heard
		for lines := bufio.NewScanner(a.Body); lines.Scan(); {
			switch name, value, _ := strings.Cut(lines.Text(), ": "); {
			case name == "event":
				e.name = value
			case name == "data" || name == "data:":
				e.data += value + "\n"
			case lines.Text() == "" && e.name != "":
				select {
				case out <- e:
				case <-ctx.Done():
					return
				}
				e = heard{}
			}
		}
	}()
	return out
}

// until reads events until one of a name says something.
func until(t *testing.T, from <-chan heard, name, says string) heard {
	t.Helper()
	patience := time.After(30 * time.Second)
	last := ""
	for {
		select {
		case e, more := <-from:
			if !more {
				t.Fatalf("the events ended before %s said %q; last it said:\n%s", name, says, last)
			}
			if e.name == name {
				if last = e.data; strings.Contains(last, says) {
					return e
				}
			}
		case <-patience:
			t.Fatalf("%s never said %q; last it said:\n%s", name, says, last)
		}
	}
}

// Another process's run is followed from its files alone: where it is, how its lanes fare, what was found, and at last the verdict.
func TestARunInProgressIsFollowedToItsVerdict(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run := begun(t, dir, hostile)
	run.event(t, history.Event{Kind: history.PhaseBegin, Name: "brokers up"})
	run.beat(10)
	s := open(t, Options{Dir: dir, Auditor: teller{warned: []string{"a segment of <b>p1 has a gap"}, found: []Found{{Finding: semantics.Finding{Lane: hostile, Anomaly: "corrupt", Count: 2, Breaks: true, Tokens: []string{"wb1-<b>"}}, Fault: "kill-leader", Cell: "exactly once stored"}}}})
	server := listening(t, s)
	at := "/run/" + address(t, dir, run.dir)

	_, page := get(t, s, at+"/")
	for _, want := range []string{"▶ running", `http-equiv="refresh"`, "brokers up", `src="/page/live.js"`} {
		if !strings.Contains(page, want) {
			t.Errorf("without script the page lacks %q\n%s", want, page)
		}
	}
	events := listen(t, server.URL+at+"/live")
	until(t, events, "now", "brokers up")
	if e := until(t, events, "found", "corrupt"); !strings.Contains(e.data, "✗ breaks exactly once stored") || !strings.Contains(e.data, "a segment of &lt;b&gt;p1 has a gap") || strings.Contains(e.data, "<b>wb1") || strings.Contains(e.data, "wb1-<b>") || strings.Contains(e.data, "<script") {
		t.Errorf("the finding is told as\n%s", e.data)
	}
	run.event(t, history.Event{Kind: history.EpisodeBegin, Ref: 1, Name: "kill-leader"})
	run.event(t, history.Event{Kind: history.FaultInject, Ref: 1, Name: "kill-leader", Text: "leader of the queue on n2"})
	e := until(t, events, "now", "the fault strikes")
	for _, want := range []string{"Episode 1, <b>kill-leader</b>", "leader of the queue on n2", `class="now" aria-current="step">▶ kill-leader`, "○ drop-acks"} {
		if !strings.Contains(e.data, want) {
			t.Errorf("where it is lacks %q\n%s", want, e.data)
		}
	}
	run.beat(1_000_000)
	rates := until(t, events, "lanes", "1,000,010")
	if strings.Contains(rates.data, ">–<") || strings.Contains(rates.data, `data-label="applied /s">0<`) || strings.Contains(rates.data, "<script") {
		t.Errorf("the second look has no rates:\n%s", rates.data)
	}
	run.event(t, history.Event{Kind: history.FaultRecover, Ref: 1})
	run.event(t, history.Event{Kind: history.FaultVerified, Ref: 1, Status: history.Failed, Text: "n2 stayed away"})
	until(t, events, "now", "not healed: n2 stayed away")
	run.event(t, history.Event{Kind: history.EpisodeEnd, Ref: 1})
	run.event(t, history.Event{Kind: history.EpisodeBegin, Ref: 3, Name: "final"})
	until(t, events, "now", "● kill-leader")
	must(t, run.dir.SaveVerdict(semantics.Verdict{Schema: semantics.VerdictSchema, Target: "nats", Result: semantics.Broken}))
	if e := until(t, events, "verdict", "✗ broken"); !strings.Contains(e.data, `href="`+at+`/"`) {
		t.Errorf("the verdict does not lead to the run:\n%s", e.data)
	}
	if e, more := <-events; more {
		t.Errorf("after the verdict comes %v", e)
	}
	if _, page := get(t, s, at+"/"); strings.Contains(page, "live.js") || !strings.Contains(page, "✗ broken") {
		t.Errorf("with its verdict the run is shown as\n%s", page)
	}
}

// Whoever connects again is told everything, however long it was away.
func TestWhoConnectsAgainIsToldEverything(t *testing.T) {
	dir := t.TempDir()
	run := begun(t, dir, "core")
	run.event(t, history.Event{Kind: history.EpisodeBegin, Ref: 2, Name: "drop-acks"})
	run.beat(5)
	s := open(t, Options{Dir: dir})
	server := listening(t, s)
	url := server.URL + "/run/" + address(t, dir, run.dir) + "/live"
	for range 2 {
		events := listen(t, url)
		until(t, events, "now", "drop-acks</b>")
		until(t, events, "lanes", "core")
		until(t, events, "found", "None.")
	}
}

// A run is followed once, and not longer than somebody looks.
func TestNothingIsFollowedThatNobodyLooksAt(t *testing.T) {
	dir := t.TempDir()
	run := begun(t, dir, "core")
	s := open(t, Options{Dir: dir})
	a, b := s.lives.join("x", run.dir), s.lives.join("x", run.dir)
	if a != b {
		t.Fatal("one run is followed twice")
	}
	a.leave()
	a.drop()
	if s.lives.of["x"] != a {
		t.Fatal("it is not followed any more although somebody looks")
	}
	b.leave()
	if a.left == nil {
		t.Fatal("nothing will end it")
	}
	a.left.Stop()
	a.drop()
	a.done.Wait() // it would hang if it went on
	if len(s.lives.of) != 0 {
		t.Error("it is still known")
	}
}

func TestARunIsInProgressAsLongAsItRecords(t *testing.T) {
	dir := t.TempDir()
	run := begun(t, dir, "core")
	now := time.Now()
	if got := lastSign(run.dir, now); now.Sub(got) > time.Minute {
		t.Errorf("a run that was just begun was last seen %s ago", now.Sub(got))
	}
	old := now.Add(-time.Hour)
	age := func() {
		for _, p := range []string{string(run.dir), run.dir.History()} {
			must(t, chtimes(p, old))
		}
	}
	age()
	if got := lastSign(run.dir, now); now.Sub(got) < time.Minute {
		t.Errorf("a run whose clients never beat was last seen %s ago", now.Sub(got))
	}
	run.beat(1)
	if got := lastSign(run.dir, now); now.Sub(got) > 10*time.Second {
		t.Errorf("a run whose clients beat was last seen %s ago", now.Sub(got))
	}
	run.client.Counters().Store(history.Heartbeat, uint64(run.client.Now())-120*history.TicksPerSecond)
	if got := lastSign(run.dir, now); now.Sub(got) < time.Minute {
		t.Errorf("two minutes after the last beat it was last seen %s ago", now.Sub(got))
	}
	run.beat(1)
	if got := lastSign(run.dir, now.Add(-10*365*24*time.Hour)); !got.Before(old.Add(time.Second)) {
		t.Error("stamps of a run that was begun before this machine was are believed")
	}
}

func TestAChartOfRatesGrowsToTheLeft(t *testing.T) {
	if got := points([]float64{0, 50, 100}, 100); !strings.HasSuffix(got, "240.0,2.0") || !strings.HasPrefix(got, "236.0,42.0") {
		t.Errorf("%s", got)
	}
	for _, past := range [][]float64{nil, {1}, {0, 0}} {
		if got := points(past, 0); got != "" {
			t.Errorf("%v is drawn as %s", past, got)
		}
	}
	long := []float64{}
	for range 3 * remembers {
		long = remember(long, 1)
	}
	if len(long) != remembers {
		t.Errorf("%d looks are remembered", len(long))
	}
}

func TestAnEventIsOneEventWhateverIsInIt(t *testing.T) {
	var b strings.Builder
	must(t, writeEvent(&b, "now", "one\r\ntwo\rdata: three\n\nevent: forged"))
	if want := "event: now\ndata: one\ndata: two\ndata: data: three\ndata: \ndata: event: forged\n\n"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}
