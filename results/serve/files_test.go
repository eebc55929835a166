package serve

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"waybill/harness/semantics"
	"waybill/results/story"
)

// secret is what lies beside the folder that is served, and must not be served.
const secret = "what is not in a run directory"

func TestOnlyFilesOfRunDirectoriesAreServed(t *testing.T) {
	outside := t.TempDir()
	dir := filepath.Join(outside, "runs")
	d := makeRun(t, dir, made{target: "nats", modes: []string{"core"}, seed: 1, result: semantics.Kept})
	other := makeRun(t, dir, made{target: "nats", modes: []string{"core"}, seed: 2, result: semantics.Kept})
	write(t, filepath.Join(outside, "secret"), secret)
	write(t, filepath.Join(dir, "secret"), secret)
	write(t, filepath.Join(dir, "nats", "secret"), secret)
	write(t, d.Path("brokers", "n1", "log"), "a log")
	write(t, d.Path("brokers", "n1", "odd name?#%&<b>"), "odd")
	must(t, os.Symlink(filepath.Join(outside, "secret"), d.Path("brokers", "absolute")))
	must(t, os.Symlink("../../../../secret", d.Path("brokers", "relative")))
	must(t, os.Symlink("../../secret", d.Path("above")))
	must(t, os.Symlink(other.Path("verdict.json"), d.Path("another")))
	must(t, os.Symlink(outside, d.Path("folder")))
	must(t, os.Symlink("n1/log", d.Path("brokers", "within")))
	must(t, os.Symlink(outside, filepath.Join(dir, "linked")))
	must(t, syscall.Mkfifo(d.Path("brokers", "pipe"), 0o600))
	s := open(t, Options{Dir: dir})
	at := "/run/" + address(t, dir, d)
	for _, ok := range []string{at + "/brokers/n1/log", at + "/brokers/within", at + "/verdict.json", at + "/report.html", at + "/brokers/n1/" + url.PathEscape("odd name?#%&<b>")} {
		if code, text := get(t, s, ok); code != http.StatusOK || strings.Contains(text, secret) {
			t.Errorf("%s answers %d", ok, code)
		}
	}
	for _, bad := range []string{
		at + "/brokers/absolute", at + "/brokers/relative", at + "/above", at + "/another", at + "/folder/secret", at + "/brokers/pipe", at + "/brokers", at + "/brokers/", at + "/nothing",
		at + "/../secret", at + "/..%2fsecret", at + "/%2e%2e/secret", at + "/%2e%2e%2fsecret", at + "/brokers/..%2f..%2f..%2fsecret", at + `/..\secret`, at + "/..%5csecret",
		at + "/%252e%252e/secret", at + "//../secret", at + "/secret%00", "/run/secret", "/run/nats/secret", "/run/../secret", "/run/linked/secret", "/run/" + url.PathEscape(outside) + "/secret", "/run//", "/run/.", "/run/..",
		"/bench/secret", "/page/../secret", "/page/list.html", "/page/%2e%2e%2flist.go", "/secret", "/nats/secret", at + "/.", "/run/nats", "/bench/nats",
	} {
		code, text := get(t, s, bad)
		if code < 300 || strings.Contains(text, secret) {
			t.Errorf("%s answers %d", bad, code)
		}
		if strings.Contains(text, outside) {
			t.Errorf("%s tells where the files are: %s", bad, text)
		}
	}
}

// A run directory whose parts are links is shown as one that cannot be read: its verdict would be that of something else.
func TestPartsThatAreLinksAreNotRead(t *testing.T) {
	dir := t.TempDir()
	d := makeRun(t, dir, made{target: "nats", modes: []string{"core"}, seed: 1, result: semantics.Kept})
	write(t, filepath.Join(t.TempDir(), "verdict.json"), "{}")
	must(t, os.Rename(d.Path("verdict.json"), d.Path("real.json")))
	must(t, os.Symlink("real.json", d.Path("verdict.json")))
	s := open(t, Options{Dir: dir})
	if _, page := get(t, s, "/"); !strings.Contains(page, "verdict.json is neither a file nor a folder") {
		t.Errorf("%s", page)
	}
}

func TestFilesCanBeReadInParts(t *testing.T) {
	dir := t.TempDir()
	d := makeRun(t, dir, made{target: "nats", seed: 1, result: semantics.Kept})
	write(t, d.Path("brokers", "n1", "log"), "0123456789")
	s := open(t, Options{Dir: dir})
	code, text := get(t, s, "/run/"+address(t, dir, d)+"/brokers/n1/log")
	if code != 200 || text != "0123456789" {
		t.Errorf("%d %q", code, text)
	}
}

func TestARunsPageLeadsToWhatThereIs(t *testing.T) {
	dir := t.TempDir()
	d := makeRun(t, dir, made{target: "nats", profile: "default", modes: []string{hostile}, faults: []string{"kill-leader"}, seed: 1, result: semantics.Kept})
	write(t, d.Path("brokers", "n1", "odd name?#%&<b>"), "odd")
	write(t, d.Path("plots", "timeline.svg"), "<svg/>")
	write(t, d.Path("brokers", "empty"), "")
	s := open(t, Options{Dir: dir})
	at := "/run/" + address(t, dir, d)
	a := ask(s, "GET", at, "localhost")
	if a.StatusCode != http.StatusMovedPermanently || a.Header.Get("Location") != at+"/" {
		t.Errorf("without its slash it answers %d and leads to %s", a.StatusCode, a.Header.Get("Location"))
	}
	_, page := get(t, s, at+"/")
	for _, want := range []string{`href="report.html"`, `href="./verdict.json"`, `href="./plots/timeline.svg"`, `href="./brokers/n1/odd%20name%3F%23%25&amp;%3Cb%3E"`, "waybill test --seed 1"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s\n%s", want, page)
		}
	}
	for _, bad := range []string{"<script>alert", "\x1b", "\u202e", "brokers/empty"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	for href := range strings.SplitSeq(page, `href="`) {
		link, _, _ := strings.Cut(href, `"`)
		if !strings.HasPrefix(link, "./brokers/") {
			continue
		}
		if code, _ := get(t, s, at+"/"+strings.ReplaceAll(link[2:], "&amp;", "&")); code != 200 {
			t.Errorf("its link %s leads to %d", link, code)
		}
	}
}

func TestAStoryIsToldByItsToken(t *testing.T) {
	dir := t.TempDir()
	d := makeRun(t, dir, made{target: "nats", modes: []string{"core"}, seed: 1, result: semantics.Kept})
	running := makeRun(t, dir, made{target: "nats", modes: []string{"core"}, seed: 2})
	strike := int64(-1500)
	tale := story.Story{Token: "wb1-r0000001-00002-0000000007", Lane: hostile, Known: true, Summary: "sent in 1 attempt", Lines: []story.Line{
		{At: 1_000_002, Act: story.Sent, Who: "producer", What: hostile, Strike: &strike}, {At: 2_000_000, Act: story.Absent, What: "is in no scan", Proof: []int{1}}},
		Findings: []story.Told{{ID: 1, Anomaly: "lost: vanished", Breaks: true, Definition: "gone", Because: "it was there"}}}
	s := open(t, Options{Dir: dir, Auditor: teller{tale: tale}})
	at := "/run/" + address(t, dir, d)
	code, page := get(t, s, at+"/story/"+tale.Token)
	for _, want := range []string{tale.Token, "1.000002", "−1.50 ms", "lost: vanished", "▶", "is in no scan"} {
		if code != 200 || !strings.Contains(page, want) {
			t.Errorf("%d: the story lacks %q\n%s", code, want, page)
		}
	}
	if strings.Contains(page, "<script>alert") || strings.Contains(page, "\x1b") {
		t.Error("what a broker wrote acts on the page")
	}
	a := ask(s, "GET", at+"/story?token=+"+tale.Token, "localhost")
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != at+"/story/"+tale.Token {
		t.Errorf("the form leads to %d %s", a.StatusCode, a.Header.Get("Location"))
	}
	for target, want := range map[string]int{
		at + "/story": 200, at + "/story/": 200, at + "/story/wb1-none": 404, at + "/story?token=%22%3E%3Cscript%3E": 303,
		at + "/story/%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E": 404, "/run/" + address(t, dir, running) + "/story/" + tale.Token: 409,
	} {
		code, page := get(t, s, target)
		if code != want || strings.Contains(page, "<script") {
			t.Errorf("%s answers %d, want %d", target, code, want)
		}
	}
}
