package workloads

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver
)

const sqliteSchema = `
CREATE TABLE IF NOT EXISTS seen    (lane TEXT, token TEXT, PRIMARY KEY (lane, token)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS effects (id INTEGER PRIMARY KEY, lane TEXT, token TEXT);
CREATE INDEX IF NOT EXISTS effects_of ON effects (lane, token);`

// OpenSQLite opens the ledger in dir, durable with WAL and synchronous=FULL.
func OpenSQLite(dir string) (*Ledger, error) {
	path := filepath.Join(dir, "ledger.sqlite")
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)&_txlock=immediate")
	if err != nil {
		return nil, fmt.Errorf("workloads: ledger: %w", err)
	}
	db.SetMaxOpenConns(1) // SQLite has one writer; a queue of our own is fairer than its busy timeout
	if _, err := db.Exec(sqliteSchema); err != nil {
		return nil, errors.Join(fmt.Errorf("workloads: ledger %s: %w", path, err), db.Close())
	}
	return &Ledger{db, dialect{
		see:    `INSERT INTO seen (lane, token) VALUES (?, ?) ON CONFLICT DO NOTHING`,
		effect: `INSERT INTO effects (lane, token) VALUES (?, ?)`,
		list:   `SELECT token, count(*) FROM effects WHERE lane = ? GROUP BY token`,
	}}, nil
}
