package serve

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"waybill/harness/experiment"
	"waybill/harness/semantics"
	"waybill/results"
	"waybill/results/story"
)

// teller is an Auditor for tests: it tells what it is given.
type teller struct {
	found  []Found
	warned []string
	tale   story.Story
}

func (t teller) Story(_ context.Context, _ results.Dir, token string) (story.Story, error) {
	if token != t.tale.Token {
		return story.Story{}, fmt.Errorf("%w: no event concerns %s", ErrAsked, token)
	}
	return t.tale, nil
}

func (t teller) Follow(ctx context.Context, _ results.Dir, found func(Found), warn func(string)) error {
	for _, w := range t.warned {
		warn(w)
	}
	for _, f := range t.found {
		found(f)
	}
	<-ctx.Done()
	return ctx.Err()
}

// hostile is what a broker may call things, to act on whoever reads of it.
const hostile = "core\"><script>alert(1)</script>\x1b[31m&amp;\u202e`'"

// startedAt is when the first of the tests' runs was started.
var startedAt = time.Date(2026, 11, 21, 8, 15, 0, 0, time.UTC)

// made is a run directory to be made.
type made struct {
	target, profile string
	modes           []string
	faults          []string
	seed            uint64
	result          semantics.Result // "": it was not judged
	findings        []semantics.Finding
	after           time.Duration // since the first
	ended           bool
}

// makeRun makes a run directory as a run leaves it, but for its history.
func makeRun(t testing.TB, parent string, m made) results.Dir {
	t.Helper()
	at := startedAt.Add(m.after)
	d, err := results.NewDir(parent, m.target, at, m.seed)
	if err != nil {
		t.Fatal(err)
	}
	e := experiment.Experiment{Run: fmt.Sprintf("r%07d", m.seed%1e7), Target: m.target, Profile: m.profile, Seed: m.seed, Nodes: 3}
	v := semantics.Verdict{Schema: semantics.VerdictSchema, Run: e.Run, Target: m.target, Profile: m.profile, Seed: m.seed, Result: m.result, Findings: m.findings}
	for _, name := range m.modes {
		e.Lanes = append(e.Lanes, experiment.Lane{Name: name, Mode: semantics.Mode{Name: name, Traits: semantics.Traits{Confirms: true}}})
		v.Lanes = append(v.Lanes, semantics.Lane{Name: name, Mode: name})
	}
	var s experiment.Schedule
	for i, f := range m.faults {
		s.Episodes = append(s.Episodes, experiment.Episode{Number: i + 1, Fault: f, Seed: 1, Length: time.Second})
		v.Episodes = append(v.Episodes, semantics.Episode{Number: i + 1, Fault: f})
	}
	x := results.Manifest{Schema: results.ManifestSchema, Target: m.target, Version: "2.15.2", Seed: m.seed, Started: at, Command: []string{"waybill", "test"}}
	if m.result != "" || m.ended {
		x.Ended = at.Add(95 * time.Second)
	}
	must(t, d.SaveExperiment(e))
	must(t, d.SaveSchedule(s))
	must(t, d.SaveManifest(x))
	if m.result != "" {
		must(t, d.SaveVerdict(v))
		write(t, d.Report(), "<!DOCTYPE html><title>the report as it was written</title><p>"+m.target)
	}
	return d
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(text), 0o644))
}

// open serves a folder for a test.
func open(t testing.TB, o Options) *Server {
	t.Helper()
	if o.Auditor == nil {
		o.Auditor = teller{}
	}
	s, err := New(o)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// ask is one request, as a browser makes it.
func ask(s http.Handler, method, target, host string) *http.Response {
	r := httptest.NewRequest(method, "http://localhost"+target, nil)
	r.Host = host
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result()
}

// get asks for a page by GET and returns what it says.
func get(t testing.TB, s http.Handler, target string) (int, string) {
	t.Helper()
	a := ask(s, http.MethodGet, target, "localhost")
	b, err := io.ReadAll(a.Body)
	must(t, err)
	return a.StatusCode, string(b)
}

// address is a path of a folder below another, as it stands in addresses.
func address(t testing.TB, parent string, d results.Dir) string {
	t.Helper()
	at, err := filepath.Rel(parent, string(d))
	must(t, err)
	return filepath.ToSlash(at)
}

func TestOnlyReadingIsAnswered(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir(), Hosts: []string{}})
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE"} {
		if got := ask(s, method, "/", "localhost"); got.StatusCode != http.StatusMethodNotAllowed || got.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s is answered %d", method, got.StatusCode)
		}
	}
	if got := ask(s, "HEAD", "/", "localhost"); got.StatusCode != http.StatusOK {
		t.Errorf("HEAD is answered %d", got.StatusCode)
	}
}

// A page of somewhere else may have its name resolved to this machine after it was loaded, and would then read what this server says.
func TestOnlyNamesOfThisMachineAreAnswered(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Options{Dir: dir, Hosts: []string{"here.example"}})
	for host, want := range map[string]int{
		"localhost": 200, "localhost:8383": 200, "LOCALHOST:9": 200, "127.0.0.1:8383": 200, "127.8.9.1": 200, "[::1]:8383": 200, "[::1]": 200,
		"runs.localhost:8383": 200, "localhost.": 200, "here.example:8383": 200,
		"evil.example": 421, "evil.example:8383": 421, "localhost.evil.example": 421, "127.0.0.1.evil.example": 421, "192.0.2.1": 421,
		"evillocalhost": 421, "[2001:db8::1]:80": 421, "": 421, "0.0.0.0:8383": 421,
	} {
		if got := ask(s, "GET", "/", host); got.StatusCode != want {
			t.Errorf("asked as %q it answers %d, want %d", host, got.StatusCode, want)
		}
	}
	open := open(t, Options{Dir: dir})
	if got := ask(open, "GET", "/", "runs.example"); got.StatusCode != 200 {
		t.Errorf("a server that is open to other machines answers %d", got.StatusCode)
	}
}

// No page of ours may load anything from elsewhere or run what a broker wrote, and no file may act on this server.
func TestEveryAnswerHasAPolicy(t *testing.T) {
	dir := t.TempDir()
	d := makeRun(t, dir, made{target: "nats", modes: []string{"core"}, faults: []string{"kill-leader"}, seed: 1, result: semantics.Kept})
	write(t, d.Path("brokers", "n1", "log.html"), "<script>alert(1)</script>")
	write(t, d.Path("plots", "throughput.svg"), "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")
	s := open(t, Options{Dir: dir, Hosts: []string{}})
	at := "/run/" + address(t, dir, d)
	for target, kind := range map[string]string{
		"/": "text/html", at + "/": "text/html", at + "/story": "text/html", "/nowhere": "text/html", "/page/live.js": "text/javascript", "/page/style.css": "text/css",
		at + "/report.html": "text/html", at + "/brokers/n1/log.html": "text/plain", at + "/plots/throughput.svg": "image/svg+xml", at + "/verdict.json": "application/json",
	} {
		a := ask(s, "GET", target, "localhost")
		policy := a.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "http") {
			t.Errorf("%s has the policy %q", target, policy)
		}
		if file := path.Ext(target) != "" && !strings.HasPrefix(target, "/page/"); file != strings.Contains(policy, "sandbox") {
			t.Errorf("%s: a file of a run, and nothing else, is in a sandbox; its policy is %q", target, policy)
		}
		if strings.Contains(strings.ReplaceAll(policy, "style-src 'unsafe-inline'", ""), "unsafe") {
			t.Errorf("%s may run what stands in it: %q", target, policy)
		}
		if got := a.Header.Get("Content-Type"); !strings.HasPrefix(got, kind) || a.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s is shown as %q, want %s", target, got, kind)
		}
	}
}
