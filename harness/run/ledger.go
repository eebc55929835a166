package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"

	"waybill/workloads"
)

// ledgerRole serves the idempotent effect store. Orders: address.
type ledgerRole struct {
	ledger *workloads.Ledger
	at     net.Listener
}

func newLedgerRole(ctx context.Context, w *worker) (role, error) {
	var l *workloads.Ledger
	var err error
	if w.cfg.Database != nil {
		l, err = workloads.OpenPostgres(ctx, *w.cfg.Database)
	} else {
		l, err = workloads.OpenSQLite(filepath.Clean(w.cfg.Dir))
	}
	if err != nil {
		return nil, err
	}
	at, err := net.Listen("tcp4", w.cfg.Listen)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ledger: %w", err), l.Close())
	}
	return ledgerRole{l, at}, nil
}

func (r ledgerRole) run(ctx context.Context) error { return workloads.ServeLedger(ctx, r.ledger, r.at) }

// close is called at the end of a run that went well: by then every effect has been read back. What a run that failed
// wrote into somebody's database stays there, as evidence.
func (r ledgerRole) close() error {
	return errors.Join(r.ledger.Drop(context.Background()), r.ledger.Close())
}

func (r ledgerRole) order(_ context.Context, op string, _ json.RawMessage) (any, error) {
	if op == "address" {
		return r.at.Addr().String(), nil
	}
	return nil, errUnknownOrder
}

// startLedger starts the ledger, if a lane needs one, and returns its address.
func (c *controller) startLedger(ctx context.Context) (string, error) {
	needed := false
	for _, l := range c.lanes {
		needed = needed || l.spec.Mode.Traits.DedupEffect
	}
	if !needed {
		return "", nil
	}
	m, err := c.addMember(ctx, c.seated("ledger"), "ledger", "", 0)
	if err != nil {
		return "", err
	}
	m.config.Listen = net.JoinHostPort(m.host.Addr().String(), workloads.LedgerPort)
	if c.job.Access != nil {
		m.config.Listen = net.JoinHostPort(m.host.Addr().String(), "0") // the machine's ports are others' too
	}
	if c.job.Ledger != "" {
		m.config.Database = &workloads.Postgres{URL: c.job.Ledger, Socket: c.job.Relay, Run: c.exp.Run}
	}
	if err := m.start(ctx); err != nil {
		return "", err
	}
	var addr string
	err = m.order(ctx, "address", nil, &addr)
	return addr, err
}
