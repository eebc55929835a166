package kafka

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestSettingsAsANodeReportsThem(t *testing.T) {
	six, thirty, secret := "6000", "30000", "hidden"
	byDefault := kmsg.DescribeConfigsResponseResourceConfigConfigSynonym{Source: kmsg.ConfigSourceDefaultConfig, Value: &thirty}
	ss := []kmsg.DescribeConfigsResponseResourceConfig{
		{Name: "b.lag", Value: &six, Source: kmsg.ConfigSourceStaticBrokerConfig, ConfigSynonyms: []kmsg.DescribeConfigsResponseResourceConfigConfigSynonym{byDefault}},
		{Name: "c.usual", Value: &thirty, Source: kmsg.ConfigSourceDefaultConfig},
		{Name: "a.password", Value: &secret, IsSensitive: true, Source: kmsg.ConfigSourceStaticBrokerConfig},
		{Name: "d.unset", Source: kmsg.ConfigSourceDefaultConfig},
	}
	if diff := cmp.Diff("a.password=(not shown) (default (none))\nb.lag=6000 (default 30000)\n", settingsText(ss, true)); diff != "" {
		t.Errorf("what differs:\n%s", diff)
	}
	if diff := cmp.Diff("a.password=(not shown)\nb.lag=6000\nc.usual=30000\nd.unset=(none)\n", settingsText(ss, false)); diff != "" {
		t.Errorf("all:\n%s", diff)
	}
	fs := []kmsg.ApiVersionsResponseFinalizedFeature{{Name: "transaction.version", MaxVersionLevel: 2}, {Name: "metadata.version", MaxVersionLevel: 27}}
	if diff := cmp.Diff("metadata.version=27\ntransaction.version=2\n", featuresText(fs)); diff != "" {
		t.Errorf("features:\n%s", diff)
	}
}
