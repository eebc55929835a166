package all

import (
	"slices"
	"testing"

	"waybill/targets"
)

func TestEveryTargetIsRegistered(t *testing.T) {
	if got, want := targets.Names(), []string{"nats"}; !slices.Equal(got, want) {
		t.Errorf("targets of this binary: %q, want %q", got, want)
	}
}
