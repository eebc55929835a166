package campaign

import (
	"context"
	"fmt"
	"path/filepath"

	"waybill/targets"
)

// FetchTool fetches or builds the benchmark tool that a product brings, telling log as it goes, and says what it found. version and
// dist are the product's, and may be empty. Errors wrap ErrProvision, but for a target that there is not, and for one without a tool
// (targets.ErrUnsupported): these are mistakes of whoever asked.
func FetchTool(ctx context.Context, target, version, dist string, log func(format string, args ...any)) (targets.Tool, error) {
	t, err := find(target)
	if err != nil {
		return targets.Tool{}, err
	}
	rival, ok := t.(targets.Rival)
	if !ok {
		return targets.Tool{}, fmt.Errorf("%s has no benchmark tool of its own: that is %w", target, targets.ErrUnsupported)
	}
	tool, err := rival.ProvisionTool(ctx, targets.Provisioning{Cache: filepath.Join(cacheDir(), target), Version: version, Dist: dist, Log: log})
	return tool, blamed(err)
}
