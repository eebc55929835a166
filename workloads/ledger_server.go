package workloads

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
)

// LedgerPort is where a ledger listens on its host.
const LedgerPort = "7400"

// ServeLedger serves l at a listener, which it closes, until ctx ends.
func ServeLedger(ctx context.Context, l *Ledger, at net.Listener) error {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /apply/{lane}", func(w http.ResponseWriter, r *http.Request) {
		token, err := io.ReadAll(io.LimitReader(r.Body, 1024))
		if err != nil {
			return // the client went away before it had asked: nothing was applied
		}
		// Not the request's context: a client that gives up must not turn a commit into a rollback it cannot tell from one.
		status, err := l.Apply(context.WithoutCancel(r.Context()), r.PathValue("lane"), string(token))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		json.NewEncoder(w).Encode(status)
	})
	mux.HandleFunc("GET /effects/{lane}", func(w http.ResponseWriter, r *http.Request) {
		if err := list(r.Context(), l, r.PathValue("lane"), w); err != nil {
			panic(http.ErrAbortHandler) // a short answer must not look like a whole one
		}
	})
	s := &http.Server{Handler: mux, BaseContext: func(net.Listener) context.Context { return ctx }}
	stopped := context.AfterFunc(ctx, func() { s.Close() })
	defer stopped()
	if err := s.Serve(at); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("workloads: ledger: %w", err)
	}
	return nil
}

// list writes "token count" lines and a last line "end".
func list(ctx context.Context, l *Ledger, lane string, to io.Writer) error {
	w := bufio.NewWriter(to)
	err := l.Effects(ctx, lane, func(token string, n uint64) error {
		_, err := fmt.Fprintln(w, token, n)
		return err
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(w, "end")
	return w.Flush()
}
