package results

import (
	"strings"
	"testing"
	"time"
)

func TestAManifestsCommandHasNoPasswords(t *testing.T) {
	for _, c := range []struct{ claim, arg, want string }{
		{"of a database", "postgres://waybill:s3cret@db:5432/effects?sslmode=disable", "postgres://waybill:REDACTED@db:5432/effects?sslmode=disable"},
		{"with the flag's name", "--ledger=postgres://waybill:s3cret@db/effects", "--ledger=postgres://waybill:REDACTED@db/effects"},
		{"with signs that ought to be encoded", "postgres://waybill:s3cret/s3@cret:@db/effects", "postgres://waybill:REDACTED@db/effects"},
		{"in a query", "postgres://db/effects?user=waybill&password=s3cret&sslmode=disable", "postgres://db/effects?user=waybill&password=REDACTED&sslmode=disable"},
		{"without a user", "redis://:s3cret@db", "redis://:REDACTED@db"},
		{"an address without one stays", "postgres://waybill@db/effects", "postgres://waybill@db/effects"},
		{"a port is none", "nats://127.0.0.1:4222", "nats://127.0.0.1:4222"},
	} {
		got := NewManifest(1, []string{"waybill", "test", c.arg}, time.Now()).Command
		if got[2] != c.want || strings.Contains(strings.Join(got, " "), "s3cret") || got[0] != "waybill" {
			t.Errorf("%s: got %q, want %q", c.claim, got, c.want)
		}
	}
}
