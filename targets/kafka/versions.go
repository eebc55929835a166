package kafka

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kversion"
)

// Versions implements targets.VersionReporter. Brokers do not say which release they are; the versions of requests that they
// understand tell about that, and no more is claimed.
func (c *cluster) Versions(ctx context.Context) (string, map[string]string, error) {
	facts := map[string]string{}
	for _, n := range c.brokers {
		r, err := n.apiVersions(ctx, n.client)
		if err != nil {
			return "", nil, err
		}
		facts[fmt.Sprintf("kafka at broker %s, guessed from its requests", n.Name)] = kversion.FromApiVersionsResponse(r).VersionGuess()
	}
	return "", facts, nil
}
