package kafka

import (
	"strings"
	"testing"
	"time"

	"waybill/targets"
)

func TestBrokersOfSomebodyElseLetTheirVersionBeGuessed(t *testing.T) {
	c, err := target{}.Connect(within(t, 20*time.Second), targets.Access{Brokers: others(t).ListenAddrs()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	version, facts, err := c.(targets.VersionReporter).Versions(within(t, 10*time.Second))
	if err != nil || version != "" || len(facts) != 3 {
		t.Fatalf("%q, %v, %v: want a guess for each of three brokers, and no version claimed", version, facts, err)
	}
	for what, guess := range facts {
		if !strings.Contains(what, "guessed") || !strings.Contains(guess, "v") {
			t.Errorf("%s: %s", what, guess)
		}
	}
}
