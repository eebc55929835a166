package serve

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"

	"waybill/harness/semantics"
	"waybill/results"
	"waybill/results/story"
)

// ErrAsked marks an answer of an Auditor that blames the question: a token that is none, or of a message that the run does not have.
var ErrAsked = errors.New("nothing to tell")

// Found is a finding of a live audit.
type Found struct {
	semantics.Finding
	Fault string // of its episode
	Cell  string // the promise that it breaks there, such as "exactly once stored"; "" when it breaks none
}

// Auditor answers what takes an audit. It must be safe for concurrent use.
type Auditor interface {
	// Story tells of the message that a token names. An error that wraps ErrAsked is the asker's.
	Story(ctx context.Context, d results.Dir, token string) (story.Story, error)
	// Follow audits a run that goes on, until ctx ends: what is certain it tells found, what else a person should know it tells warn.
	Follow(ctx context.Context, d results.Dir, found func(Found), warn func(string)) error
}

// Options say what is served, and to whom.
type Options struct {
	Dir     string // folder of run directories, at any depth to MaxDepth
	Auditor Auditor
	// Hosts are the names by which a browser on this machine may call the server, beside localhost and loopback addresses. Any other is
	// refused, since a page of somewhere else may have had its name resolved to this machine. Nil: any name, for a server that is open to
	// other machines anyway.
	Hosts []string
}

// Server is the pages. It is an http.Handler, safe for concurrent use; Close ends what it follows.
type Server struct {
	options Options
	index   *index
	lives   *lives
	telling chan struct{} // has room for one: stories are read one at a time, since each reads a history
	handler http.Handler
}

// New opens the folder of run directories. An error wraps fs.ErrNotExist where there is none.
func New(o Options) (*Server, error) {
	root, err := os.OpenRoot(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("serve: open the folder of run directories: %w", err)
	}
	s := &Server{options: o, index: newIndex(root, o.Dir), telling: make(chan struct{}, 1)}
	s.lives = newLives(o.Auditor)
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", s.list)
	mux.HandleFunc("/run/{path...}", s.run)
	mux.HandleFunc("/bench/{path...}", s.bench)
	mux.HandleFunc("/page/{name}", s.asset)
	mux.HandleFunc("/", s.nothing)
	s.handler = s.guard(mux)
	return s, nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Close ends live audits and lets go of the folder. Requests that are under way fail.
func (s *Server) Close() error {
	s.lives.close()
	return s.index.root.Close()
}

func (s *Server) nothing(w http.ResponseWriter, r *http.Request) {
	s.fail(w, http.StatusNotFound, "There is no such page here", "")
}

// refuse answers with what became of a request, in words for whoever made it.
func (s *Server) refuse(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.fail(w, http.StatusNotFound, "There is no such file here", err.Error())
	case errors.Is(err, context.Canceled):
		// Whoever asked is gone.
	default:
		s.fail(w, http.StatusInternalServerError, "It could not be read", err.Error())
	}
}

func (s *Server) fail(w http.ResponseWriter, code int, what, why string) {
	w.Header().Set("Cache-Control", "no-store")
	draw(w, code, "failed.html", failedPage{Title: what, Why: why})
}

type failedPage struct{ Title, Why string }
