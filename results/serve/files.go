package serve

import (
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"
	"syscall"

	"waybill/results/look"
)

// Policies of files, which are pages of their own: they act on nothing here, since each is in a sandbox.
var (
	reportPolicy = look.Policy() + "; frame-ancestors 'none'; sandbox allow-scripts allow-modals"
	filePolicy   = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox"
)

// file answers with a file of a run directory or a benchmark: a regular one that lies in it, whatever links say.
func (s *Server) file(w http.ResponseWriter, r *http.Request, at, rest string) {
	f, info, err := s.index.open(at, rest)
	if err != nil {
		// The path of the machine is nothing to whoever asks, and a link that leads out is no file here.
		s.refuse(w, fmt.Errorf("%s: %w", path.Join(at, rest), fs.ErrNotExist))
		return
	}
	defer f.Close() // only read from
	kind, policy := typeOf(rest)
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Security-Policy", policy)
	http.ServeContent(w, r, "", info.ModTime(), f)
}

// open opens a regular file below a directory. A pipe that somebody put there must not be waited for.
func (x *index) open(at, rest string) (*os.File, fs.FileInfo, error) {
	sub, err := x.root.OpenRoot(at)
	if err != nil {
		return nil, nil, err
	}
	defer sub.Close() // only read from
	f, err := sub.OpenFile(rest, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("serve: %s: %w: not a file", rest, fs.ErrInvalid)
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// typeOf is how a file is shown, and what it may do there. Only what Waybill writes itself is shown as a page: what brokers leave is text.
func typeOf(rest string) (kind, policy string) {
	folder, _, _ := strings.Cut(rest, "/")
	ours := rest == folder || folder == "plots" || folder == "windows"
	switch ext := path.Ext(rest); {
	case !ours:
	case ext == ".html":
		return "text/html; charset=utf-8", reportPolicy
	case ext == ".svg":
		return "image/svg+xml", filePolicy
	case ext == ".png":
		return "image/png", filePolicy
	case ext == ".json":
		return "application/json", filePolicy
	}
	if path.Ext(rest) == ".seg" {
		return "application/octet-stream", filePolicy
	}
	return "text/plain; charset=utf-8", filePolicy
}
