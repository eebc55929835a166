package kafka

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// Versions implements targets.VersionReporter. Brokers do not say which release they are; the versions of requests that they
// understand tell about that, and no more is claimed.
func (c *cluster) Versions(ctx context.Context) (string, map[string]string, error) {
	guesses := map[string]string{}
	for _, n := range c.brokers {
		q := kmsg.NewPtrApiVersionsRequest()
		q.ClientSoftwareName, q.ClientSoftwareVersion = "waybill", "harness"
		r, err := request[*kmsg.ApiVersionsResponse](ctx, n.client, q)
		if err != nil {
			return "", nil, err
		}
		if err := refusal(n.Name, q, r.ErrorCode, nil); err != nil {
			return "", nil, err
		}
		guesses[n.Name] = kversion.FromApiVersionsResponse(r).VersionGuess()
	}
	facts := map[string]string{}
	for name, guess := range guesses {
		facts[fmt.Sprintf("kafka at broker %s, guessed from its requests", name)] = guess
	}
	return "", facts, nil
}
