package workloads

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// Postgres is a PostgreSQL database for the ledger. It holds a password: it is never written down.
type Postgres struct {
	URL    string `json:"url"`    // postgres://USER:PASSWORD@HOST/DATABASE
	Socket string `json:"socket"` // path of a Unix socket that leads to the database, whatever the URL's host
	Run    string `json:"run"`    // part of the names of the ledger's tables: runs do not meet
}

// Address is where the database listens, as the URL and the environment that PostgreSQL's own clients read say.
func (p Postgres) Address() (network, address string, err error) {
	config, err := pgx.ParseConfig(p.URL)
	if err != nil {
		return "", "", fmt.Errorf("workloads: ledger: %w", err) // without the password: pgx takes it out
	}
	for _, f := range config.Fallbacks { // with and without TLS, where the URL leaves that open
		if f.Host != config.Host || f.Port != config.Port {
			return "", "", fmt.Errorf("workloads: ledger: %s and %s: expected one host", config.Host, f.Host)
		}
	}
	network, address = pgconn.NetworkAddress(config.Host, config.Port)
	return network, address, nil
}

// connections of a ledger to its database, at most: consumers of a lane wait for each other no longer than for rows.
const connections = 16

// OpenPostgres makes the run's tables, if they are not there, and opens the ledger in them. Commits are durable before they
// are answered, whatever the database's default. What a killed ledger left open, the database gives up after some seconds.
func OpenPostgres(ctx context.Context, p Postgres) (*Ledger, error) {
	config, err := pgx.ParseConfig(p.URL)
	if err != nil {
		return nil, fmt.Errorf("workloads: ledger: %w", err) // without the password: pgx takes it out
	}
	config.ConnectTimeout = ledgerPatience
	config.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", p.Socket)
	}
	config.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil } // is behind the socket
	config.RuntimeParams["application_name"] = "waybill"
	config.RuntimeParams["synchronous_commit"] = "on"
	config.RuntimeParams["lock_timeout"] = fmt.Sprint(ledgerPatience.Milliseconds())
	config.RuntimeParams["idle_in_transaction_session_timeout"] = fmt.Sprint(2 * ledgerPatience.Milliseconds())
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	seen := pgx.Identifier{"waybill_" + p.Run + "_seen"}.Sanitize()
	effects := pgx.Identifier{"waybill_" + p.Run + "_effects"}.Sanitize()
	index := pgx.Identifier{"waybill_" + p.Run + "_effects_of"}.Sanitize()
	ctx, cancel := context.WithTimeout(ctx, ledgerPatience)
	defer cancel()
	for _, statement := range []string{
		`CREATE TABLE IF NOT EXISTS ` + seen + ` (lane TEXT, token TEXT, PRIMARY KEY (lane, token))`,
		`CREATE TABLE IF NOT EXISTS ` + effects + ` (id BIGSERIAL PRIMARY KEY, lane TEXT, token TEXT)`,
		`CREATE INDEX IF NOT EXISTS ` + index + ` ON ` + effects + ` (lane, token)`,
	} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return nil, errors.Join(fmt.Errorf("workloads: ledger: %w", err), db.Close())
		}
	}
	return &Ledger{db, dialect{
		see:    `INSERT INTO ` + seen + ` (lane, token) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
		effect: `INSERT INTO ` + effects + ` (lane, token) VALUES ($1, $2)`,
		list:   `SELECT token, count(*) FROM ` + effects + ` WHERE lane = $1 GROUP BY token`,
		drop:   `DROP TABLE IF EXISTS ` + seen + `, ` + effects,
	}}, nil
}
