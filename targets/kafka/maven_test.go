package kafka

import (
	"errors"
	"strings"
	"testing"

	"waybill/targets"
)

func TestVersions(t *testing.T) {
	if defaultVersion != "4.1.2" {
		t.Errorf("pom.xml is of version %s: docker-compose.yml and the documentation name another", defaultVersion)
	}
	for version, says := range map[string]string{
		"4.1.0": "", "3.3.0": "", "3.9.1": "", "10.0.0": "", "4.2.0-rc1": "",
		"3.2.3": "want 3.3.0 or newer", "2.8.0": "want 3.3.0 or newer", "4.1": "want a release like", "": "want a release like", "4.1.0/..": "want a release like",
	} {
		err := target{}.CheckVersion(version)
		if says == "" && err != nil || says != "" && (!errors.Is(err, targets.ErrUnsupported) || !strings.Contains(err.Error(), says)) {
			t.Errorf("%q: %v, want %q", version, err, says)
		}
	}
}
