package kafka

import (
	"context"
	"fmt"

	"waybill/targets"
)

// Requirements implements targets.Requirer. Maven is needed only until a version is in the cache, and not with --dist.
func (target) Requirements(ctx context.Context) []targets.Requirement {
	j, noJava := findJava(ctx)
	maven, noMaven := findMaven()
	return []targets.Requirement{
		{Name: fmt.Sprintf("Java %d or newer", oldestJava), Have: noJava == nil, Version: j.version, Get: "apt-get install default-jre-headless"},
		{Name: "Maven", Have: noMaven == nil, Version: maven, Get: "apt-get install maven"},
	}
}
