package workloads

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"waybill/harness/history"
)

// ledgerPatience is how long a ledger waits for its database in one request, in all.
const ledgerPatience = 5 * time.Second

// Ledger is an idempotent effect store: the effect and the message's token are written in one transaction of a database,
// and a token that is there already has no second effect. It is a process on a host of its own, spoken to by HTTP. Its
// methods may be called from any goroutine.
type Ledger struct {
	db *sql.DB
	dialect
}

// dialect is what two databases say differently.
type dialect struct {
	see, effect string // write a lane and a token: into the tokens seen, if it is not there, and into the effects
	list        string // reads the tokens of a lane's effects, each with how many there are
	drop        string // removes the tables; "": they go with the ledger's folder
}

// Close closes the database.
func (l *Ledger) Close() error { return l.db.Close() }

// Apply writes the effect once and reports OK, or DedupHit if it was there. Failed is certain: nothing was committed.
// A commit that was not answered is Unknown. It gives up after 5 s.
func (l *Ledger) Apply(ctx context.Context, lane, token string) (history.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, ledgerPatience)
	defer cancel()
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return history.Failed, fmt.Errorf("workloads: ledger: %w", err)
	}
	defer tx.Rollback()
	r, err := tx.ExecContext(ctx, l.see, lane, token)
	if err != nil {
		return history.Failed, fmt.Errorf("workloads: ledger: %w", err)
	}
	n, err := r.RowsAffected()
	if err != nil {
		return history.Failed, fmt.Errorf("workloads: ledger: %w", err)
	}
	if n == 0 {
		return history.DedupHit, nil
	}
	if _, err := tx.ExecContext(ctx, l.effect, lane, token); err != nil {
		return history.Failed, fmt.Errorf("workloads: ledger: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return history.Unknown, fmt.Errorf("workloads: ledger: commit: %w", err)
	}
	return history.OK, nil
}

// Drop removes what the run wrote from a database that outlives it.
func (l *Ledger) Drop(ctx context.Context) error {
	if l.drop == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, ledgerPatience)
	defer cancel()
	if _, err := l.db.ExecContext(ctx, l.drop); err != nil {
		return fmt.Errorf("workloads: ledger: removing its tables: %w", err)
	}
	return nil
}

// Effects reads a lane's effects: the tokens, each with how many effects it had.
func (l *Ledger) Effects(ctx context.Context, lane string, each func(token string, count uint64) error) error {
	rows, err := l.db.QueryContext(ctx, l.list, lane)
	if err != nil {
		return fmt.Errorf("workloads: ledger: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var token string
		var n uint64
		if err := rows.Scan(&token, &n); err != nil {
			return fmt.Errorf("workloads: ledger: %w", err)
		}
		if err := each(token, n); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("workloads: ledger: %w", err)
	}
	return nil
}
