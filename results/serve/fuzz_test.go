package serve

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"waybill/harness/semantics"
)

// Whatever is asked for, nothing but what lies in a run directory is answered, and no answer holds what was asked for as markup.
func FuzzRequests(f *testing.F) {
	outside := f.TempDir()
	dir := filepath.Join(outside, "runs")
	d := makeRun(f, dir, made{target: "nats", modes: []string{hostile}, faults: []string{"kill-leader"}, seed: 1, result: semantics.Kept})
	write(f, filepath.Join(outside, "secret"), secret)
	write(f, filepath.Join(dir, "secret"), secret)
	must(f, os.Symlink("../../../secret", d.Path("out")))
	s := open(f, Options{Dir: dir, Hosts: []string{}})
	at := "/run/" + address(f, dir, d)
	for _, seed := range [][2]string{{"/", "q=x"}, {at + "/", ""}, {at + "/out", ""}, {at + "/../../secret", ""}, {at + "/story/wb1", ""}, {at + "/story", "token=<script>"},
		{"/bench/", "sort=seed&order=desc&page=2"}, {"/page/serve.css", ""}, {at + "/%2e%2e/secret", "q=%"}, {"//", "target=nats&result=kept&fault=x"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, path, query string) {
		if strings.HasSuffix(path, "/live") {
			return // it has no end
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = "localhost"
		r.URL = &url.URL{Scheme: "http", Host: "localhost", Path: path, RawQuery: query}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code >= 500 || w.Code < 200 {
			t.Fatalf("%q?%q answers %d: %s", path, query, w.Code, w.Body)
		}
		text := w.Body.String()
		if strings.Contains(text, secret) {
			t.Fatalf("%q leads out of the run directories", path)
		}
		if strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") && strings.Count(text, "<script") > 0 && !strings.Contains(text, `<script src="/page/live.js"`) {
			t.Fatalf("%q?%q answers with a script:\n%s", path, query, text)
		}
		if to := w.Header().Get("Location"); to != "" && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.HasPrefix(to, "/\\")) {
			t.Fatalf("%q leads to %q, which is elsewhere", path, to)
		}
	})
}

func FuzzQuery(f *testing.F) {
	f.Add("q=a&sort=seed&order=desc&page=3")
	f.Add("q=%ff&target=%00")
	f.Fuzz(func(t *testing.T, raw string) {
		values, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		q := readQuery(values)
		u, err := url.Parse(q.link())
		if err != nil {
			t.Fatal(err)
		}
		if again := readQuery(u.Query()); again != q {
			t.Fatalf("%q is read as %+v, and its link %s as %+v", raw, q, q.link(), again)
		}
	})
}
