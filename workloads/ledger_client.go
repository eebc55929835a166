package workloads

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"waybill/harness/history"
)

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
