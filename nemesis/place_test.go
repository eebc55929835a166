package nemesis

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFaultsAreRefusedWhereTheyCannotBeHad(t *testing.T) {
	ofClients := []string{"kill-consumer", "kill-producer", "pause-consumer"}
	ofFrames := []string{"delay-acks", "drop-acks", "drop-acks:then=cut", "drop-acks:then=nothing", "drop-commits", "drop-commits:until=giveup", "drop-confirms",
		"duplicate-requests", "hold-requests"}
	ofLinks := []string{"cut-clients", "isolate-broker", "lose-acks", "lose-confirms"}
	ofBrokers := []string{"kill-all", "kill-broker", "pause-broker", "power-failure", "power-failure:of=one"}
	for _, c := range []struct {
		claim string
		place Place
		can   []string
	}{
		{"somebody else's cluster leaves the clients", Place{Leaders: []string{"queue", "consumer", "controller"}}, ofClients},
		{"a network of the harness's own can be cut", Place{Network: true}, slices.Concat(ofClients, ofLinks)},
		{"a leader that cannot be found is not struck", Place{Network: true, Brokers: true}, slices.Concat(ofClients, ofLinks, ofBrokers)},
		{"leaders of queues alone", Place{Network: true, Brokers: true, Leaders: []string{"queue"}},
			slices.Concat(ofClients, ofLinks, ofBrokers, []string{"kill-leader", "isolate-leader"})},
		{"of queues and groups", Place{Network: true, Brokers: true, Leaders: []string{"queue", "consumer"}},
			slices.Concat(ofClients, ofLinks, ofBrokers, []string{"kill-leader", "kill-leader:of=consumer", "isolate-leader"})},
		{"the lab has them all", Place{Network: true, Brokers: true, Leaders: []string{"queue", "consumer", "controller"}, Frames: "nats"}, All()},
		{"frames that are understood, of whoever's cluster", Place{Frames: "kafka"}, slices.Concat(ofClients, ofFrames)},
	} {
		can, refused, err := Available(All(), c.place)
		if err != nil {
			t.Fatal(err)
		}
		if want := slices.Sorted(slices.Values(c.can)); !slices.Equal(slices.Sorted(slices.Values(can)), want) {
			t.Errorf("%s: %q, want %q", c.claim, can, want)
		}
		both := slices.Sorted(slices.Values(slices.Concat(can, slices.Collect(maps.Keys(refused)))))
		if diff := cmp.Diff(slices.Sorted(slices.Values(All())), both); diff != "" {
			t.Errorf("%s: neither had nor refused, or both:\n%s", c.claim, diff)
		}
		for fault, why := range refused {
			if why == "" {
				t.Errorf("%s: %s is refused without a reason", c.claim, fault)
			}
		}
	}
	if _, _, err := Available([]string{"kill-nobody"}, Place{}); err == nil {
		t.Error("an unknown fault is neither had nor refused")
	}
}

func TestRefusalsSayWhatIsMissing(t *testing.T) {
	for _, c := range []struct {
		fault string
		place Place
		want  string
	}{
		{"drop-acks", Place{Brokers: true, Network: true}, "the frames of this product's protocol are not understood"},
		{"kill-all", Place{}, "the brokers are run by somebody else"},
		{"kill-leader", Place{Leaders: []string{"queue"}}, "the brokers are run by somebody else"},
		{"lose-acks", Place{Brokers: true}, "clients share this machine's network, where the harness cuts nothing"},
		{"kill-leader:of=consumer", Place{Brokers: true, Leaders: []string{"queue"}}, "this product has no leader of the consumer that could be found"},
	} {
		if _, refused, err := Available([]string{c.fault}, c.place); err != nil || refused[c.fault] != c.want {
			t.Errorf("%s: %q, %v; want %q", c.fault, refused[c.fault], err, c.want)
		}
	}
}
