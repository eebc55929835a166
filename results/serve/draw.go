package serve

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"waybill/results/look"
	"waybill/results/story"
)

//go:embed page/*
var pageFiles embed.FS

var pages = template.Must(template.New("").Funcs(look.Functions()).Funcs(template.FuncMap{
	"took":    took,
	"size":    size,
	"run":     runLink,
	"bench":   benchLink,
	"file":    fileLinkOf,
	"state":   stateWords,
	"promise": story.PromiseWords,
	"signed":  func(t *int64) string { return signed(t) },
	"seconds": func(ticks int64) float64 { return float64(ticks) / 1e6 },
}).ParseFS(pageFiles, "page/*.html"))

// draw answers with a page. It is made whole before anything of it is sent, so that no half of one is.
func draw(w http.ResponseWriter, code int, name string, data any) {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, data); err != nil {
		http.Error(w, "serve: draw the page: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(b.Bytes()) // who does not read on has gone
}

// fragment is a part of a page, as it is sent alone.
func fragment(name string, data any) string {
	var b strings.Builder
	if err := pages.ExecuteTemplate(&b, name, data); err != nil {
		return template.HTMLEscapeString("serve: draw: " + err.Error())
	}
	return b.String()
}

// asset answers with what pages share: their style sheets and the script of the live page.
func (s *Server) asset(w http.ResponseWriter, r *http.Request) {
	var body []byte
	var err error
	switch name := r.PathValue("name"); name {
	case "style.css":
		body = []byte(look.Style())
	case "serve.css", "live.js":
		if body, err = pageFiles.ReadFile("page/" + name); err != nil {
			s.refuse(w, err)
			return
		}
	default:
		s.nothing(w, r)
		return
	}
	http.ServeContent(w, r, path.Base(r.URL.Path), time.Time{}, bytes.NewReader(body))
}

// below is the address of something below a prefix, with every part of the path escaped.
func below(prefix, at string, rest ...string) string {
	var b strings.Builder
	b.WriteString(prefix)
	for part := range strings.SplitSeq(at, "/") {
		b.WriteString("/" + url.PathEscape(part))
	}
	b.WriteString("/")
	for i, part := range rest {
		if i > 0 {
			b.WriteString("/")
		}
		for j, p := range strings.Split(part, "/") {
			if j > 0 {
				b.WriteString("/")
			}
			b.WriteString(url.PathEscape(p))
		}
	}
	return b.String()
}

func runLink(at string, rest ...string) template.URL { return template.URL(below("/run", at, rest...)) }
func benchLink(at string, rest ...string) template.URL {
	return template.URL(below("/bench", at, rest...))
}

// fileLinkOf is the address of a file beside a page. It begins with a dot, so that no colon in a name makes a scheme of it.
func fileLinkOf(name string) template.URL {
	return template.URL("." + strings.TrimSuffix(below("", name), "/"))
}

// took is a length in words; "" of what is not known.
func took(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return d.Round(time.Second).String()
}

// size is that of a file: of logs and plots, which are seldom large.
func size(n uint64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1_000_000:
		return fmt.Sprintf("%.3g kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.3g MB", float64(n)/1e6)
}

func stateWords(s State) string {
	switch s {
	case Running:
		return "▶ running"
	case Stopped:
		return "■ no verdict"
	}
	return string(s)
}

// signed is how far from the strike something was; "" where nothing strikes.
func signed(ticks *int64) string {
	if ticks == nil {
		return ""
	}
	return story.Signed(*ticks)
}
