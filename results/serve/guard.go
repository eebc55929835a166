package serve

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// pagePolicy is what a page of ours may load: from here, and nothing from within it.
const pagePolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// answerWithin bounds how long an answer may take to be read, but for events, which have no end.
const answerWithin = time.Minute

// guard lets through what may be asked: reading, by a browser that means this machine. It says in every answer what the browser may do with it.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-cache")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			s.fail(w, http.StatusMethodNotAllowed, "This server only shows", "it takes GET and HEAD, and changes nothing")
			return
		}
		if !s.meant(r.Host) {
			s.fail(w, http.StatusMisdirectedRequest, "This server is not called that", "it was asked as "+r.Host+": ask it as localhost")
			return
		}
		// Where the connection has no deadlines, as in a test's recorder, there is nothing to bound.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerWithin))
		next.ServeHTTP(w, r)
	})
}

// meant reports whether a Host header names this server. The port does not matter: a tunnel may lead here from another.
func (s *Server) meant(host string) bool {
	if s.options.Hosts == nil {
		return true
	}
	name := host
	if n, _, err := net.SplitHostPort(host); err == nil {
		name = n
	}
	name = strings.ToLower(strings.TrimSuffix(strings.Trim(name, "[]"), "."))
	if a, err := netip.ParseAddr(name); err == nil && a.IsLoopback() {
		return true
	}
	return name == "localhost" || strings.HasSuffix(name, ".localhost") || slices.Contains(s.options.Hosts, name)
}
