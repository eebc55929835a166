package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
)

// The system account's monitoring requests. PING with a filter for the exact name reaches that server alone.
const (
	monitorRaft   = "RAFTZ"
	monitorStream = "JSZ"
	monitorRoutes = "ROUTEZ"
	monitorVars   = "VARZ"
)

// account of the application: the server's global one.
const account = "$G"

// monitor asks a node about itself, over its own connection, and decodes the data into.
func (n *node) monitor(ctx context.Context, what string, options map[string]any, into any) error {
	q := map[string]any{"server_name": n.Name, "exact_match": true}
	for k, v := range options {
		q[k] = v
	}
	body, err := json.Marshal(q)
	if err != nil {
		return fmt.Errorf("nats: %s request: %w", what, err)
	}
	m, err := request(ctx, n.sys, "$SYS.REQ.SERVER.PING."+what, body)
	if err != nil {
		return err
	}
	var answer struct {
		Data  json.RawMessage  `json:"data"`
		Error *server.ApiError `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return fmt.Errorf("nats: %s of %s: %w", what, n.Name, err)
	}
	if answer.Error != nil {
		return fmt.Errorf("nats: %s of %s: %w", what, n.Name, answer.Error)
	}
	if err := json.Unmarshal(answer.Data, into); err != nil {
		return fmt.Errorf("nats: %s of %s: %w", what, n.Name, err)
	}
	return nil
}

// each runs f for all nodes at once and joins what failed.
func (c *peers) each(f func(i int, n *node) error) error {
	errs := make([]error, len(c.nodes))
	var all sync.WaitGroup
	for i, n := range c.nodes {
		all.Go(func() { errs[i] = f(i, n) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// api makes a JetStream API request by whichever node answers it, and decodes the answer. An answer that is an error ends
// the search if it is settled: a node that lost its leader says "not available", and another may know better.
func (c *peers) api(ctx context.Context, subject string, body, into any) error {
	var b []byte // some requests must be empty
	if body != nil {
		var err error
		if b, err = json.Marshal(body); err != nil {
			return fmt.Errorf("nats: request %s: %w", subject, err)
		}
	}
	var errs []error
	for _, n := range c.nodes {
		m, err := request(ctx, n.app, subject, b)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		var answer server.ApiResponse
		if err := json.Unmarshal(m.Data, &answer); err != nil {
			return fmt.Errorf("nats: answer of %s to %s: %w", n.Name, subject, err)
		}
		if answer.Error != nil {
			errs = append(errs, fmt.Errorf("nats: %s: %s: %w", n.Name, subject, answer.Error))
			if answer.Error.Code == 503 {
				continue
			}
			break
		}
		if err := json.Unmarshal(m.Data, into); err != nil {
			return fmt.Errorf("nats: answer of %s to %s: %w", n.Name, subject, err)
		}
		return nil
	}
	return errors.Join(errs...)
}
