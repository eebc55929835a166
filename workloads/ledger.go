package workloads

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the ledger's database

	"waybill/harness/history"
)

// LedgerPort is where a ledger listens on its host.
const LedgerPort = "7400"

const ledgerSchema = `
CREATE TABLE IF NOT EXISTS seen    (lane TEXT, token TEXT, PRIMARY KEY (lane, token)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS effects (id INTEGER PRIMARY KEY, lane TEXT, token TEXT);
CREATE INDEX IF NOT EXISTS effects_of ON effects (lane, token);`

// Ledger is an idempotent effect store: the effect and the message's token are written in one transaction of a SQLite database,
// and a token that is there already has no second effect. It is a process on a host of its own, spoken to by HTTP.
type Ledger struct{ db *sql.DB }

// OpenLedger opens the database in dir, durable with WAL and synchronous=FULL.
func OpenLedger(dir string) (*Ledger, error) {
	path := filepath.Join(dir, "ledger.sqlite")
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)&_txlock=immediate")
	if err != nil {
		return nil, fmt.Errorf("workloads: ledger: %w", err)
	}
	db.SetMaxOpenConns(1) // SQLite has one writer; a queue of our own is fairer than its busy timeout
	if _, err := db.Exec(ledgerSchema); err != nil {
		return nil, errors.Join(fmt.Errorf("workloads: ledger %s: %w", path, err), db.Close())
	}
	return &Ledger{db}, nil
}

// Close closes the database.
func (l *Ledger) Close() error { return l.db.Close() }

// Apply writes the effect once and reports OK, or DedupHit if it was there.
func (l *Ledger) Apply(ctx context.Context, lane, token string) (history.Status, error) {
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return history.Failed, fmt.Errorf("workloads: ledger: %w", err)
	}
	defer tx.Rollback()
	r, err := tx.ExecContext(ctx, `INSERT INTO seen (lane, token) VALUES (?, ?) ON CONFLICT DO NOTHING`, lane, token)
	if err != nil {
		return history.Failed, fmt.Errorf("workloads: ledger: %w", err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return history.DedupHit, err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO effects (lane, token) VALUES (?, ?)`, lane, token); err != nil {
		return history.Failed, fmt.Errorf("workloads: ledger: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return history.Unknown, fmt.Errorf("workloads: ledger: commit: %w", err)
	}
	return history.OK, nil
}

// ServeLedger serves the ledger in dir until ctx ends.
func ServeLedger(ctx context.Context, dir, addr string) error {
	l, err := OpenLedger(dir)
	if err != nil {
		return err
	}
	defer l.Close()
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
		if err := l.list(r.Context(), r.PathValue("lane"), w); err != nil {
			panic(http.ErrAbortHandler) // a short answer must not look like a whole one
		}
	})
	s := &http.Server{Addr: addr, Handler: mux, BaseContext: func(net.Listener) context.Context { return ctx }}
	stopped := context.AfterFunc(ctx, func() { s.Close() })
	defer stopped()
	if err := s.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("workloads: ledger: %w", err)
	}
	return nil
}

// list writes "token count" lines and a last line "end".
func (l *Ledger) list(ctx context.Context, lane string, to io.Writer) error {
	rows, err := l.db.QueryContext(ctx, `SELECT token, count(*) FROM effects WHERE lane = ? GROUP BY token`, lane)
	if err != nil {
		return err
	}
	defer rows.Close()
	w := bufio.NewWriter(to)
	for rows.Next() {
		var token string
		var n uint64
		if err := rows.Scan(&token, &n); err != nil {
			return err
		}
		fmt.Fprintln(w, token, n)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	fmt.Fprintln(w, "end")
	return w.Flush()
}

// LedgerEffect applies to a ledger over the network. One that cannot be reached leaves the outcome unknown.
type LedgerEffect struct {
	url    string
	client *http.Client
}

// NewLedgerEffect speaks to the ledger at addr for one lane.
func NewLedgerEffect(addr, lane string) *LedgerEffect {
	return &LedgerEffect{"http://" + addr + "/apply/" + lane, &http.Client{Timeout: 2 * time.Second}}
}

// Apply asks the ledger to have the effect once.
func (e *LedgerEffect) Apply(ctx context.Context, token string) (history.Status, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, strings.NewReader(token))
	if err != nil {
		return history.Failed, fmt.Errorf("workloads: ledger: %w", err)
	}
	resp, err := e.client.Do(req)
	if err != nil {
		return history.Unknown, fmt.Errorf("workloads: ledger: %w", err)
	}
	defer resp.Body.Close()
	var status history.Status
	if resp.StatusCode != http.StatusOK || json.NewDecoder(resp.Body).Decode(&status) != nil {
		return history.Unknown, fmt.Errorf("workloads: ledger: %s", resp.Status)
	}
	return status, nil
}

// Close drops idle connections.
func (e *LedgerEffect) Close() error { e.client.CloseIdleConnections(); return nil }

// ReadLedger reads a lane's effects back. An answer without its end is an error.
func ReadLedger(ctx context.Context, addr, lane string, each func(token string, count uint64) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/effects/"+lane, nil)
	if err != nil {
		return fmt.Errorf("workloads: read back: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("workloads: read back: %w", err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if lines.Text() == "end" {
			return nil
		}
		var token string
		var n uint64
		if _, err := fmt.Sscan(lines.Text(), &token, &n); err != nil {
			return fmt.Errorf("workloads: read back: %q: %w", lines.Text(), err)
		}
		if err := each(token, n); err != nil {
			return err
		}
	}
	return fmt.Errorf("workloads: read back: the ledger's answer ended early: %w", errors.Join(lines.Err(), io.ErrUnexpectedEOF))
}
