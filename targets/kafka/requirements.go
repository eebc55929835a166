package kafka

import (
	"context"
	"fmt"

	"waybill/targets"
	"waybill/targets/maven"
)

// oldestJava is the oldest that brokers of 4.x run on; all versions from 3.3 run on it too.
const oldestJava = 17

// Requirements implements targets.Requirer. Maven is needed only until a version is in the cache, and not with --dist.
func (target) Requirements(ctx context.Context) []targets.Requirement {
	j, noJava := maven.FindJava(ctx, oldestJava)
	mvn, noMaven := maven.Find()
	return []targets.Requirement{
		{Name: fmt.Sprintf("Java %d or newer", oldestJava), Have: noJava == nil, Version: j.Version, Get: "apt-get install default-jre-headless"},
		{Name: "Maven", Have: noMaven == nil, Version: mvn, Get: "apt-get install maven"},
	}
}
