package kafka

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
	"waybill/targets"
)

// saslOf is how connections are authenticated: nil for not at all, as in a lab, whose Access is nil. With a user and no
// mechanism it is PLAIN.
func saslOf(a *targets.Access) (sasl.Mechanism, error) {
	if a == nil || a.User == "" && a.Mechanism == "" {
		return nil, nil
	}
	if a.User == "" {
		return nil, fmt.Errorf("kafka: SASL mechanism %q wants a user", a.Mechanism)
	}
	switch a.Mechanism {
	case "", "plain":
		return plain.Auth{User: a.User, Pass: a.Password}.AsMechanism(), nil
	case "scram-sha-256":
		return scram.Auth{User: a.User, Pass: a.Password}.AsSha256Mechanism(), nil
	case "scram-sha-512":
		return scram.Auth{User: a.User, Pass: a.Password}.AsSha512Mechanism(), nil
	}
	return nil, fmt.Errorf("kafka: no SASL mechanism %q: want plain, scram-sha-256 or scram-sha-512", a.Mechanism)
}

// secured are the options of a client that dials by itself, without a dialer of ours.
func secured(a *targets.Access) ([]kgo.Opt, error) {
	t, err := a.TLSConfig()
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	var opts []kgo.Opt
	if t != nil {
		opts = append(opts, kgo.DialTLSConfig(t))
	}
	m, err := saslOf(a)
	if err != nil {
		return nil, err
	}
	if m != nil {
		opts = append(opts, kgo.SASL(m))
	}
	return opts, nil
}
