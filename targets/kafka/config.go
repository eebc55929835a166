package kafka

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Config implements targets.ConfigReporter: the feature levels and settings that the node itself reports, those that do
// not come from the product's defaults, and the file that it was started with. A controller tells its settings from
// version 3.7 on.
func (c *cluster) Config(ctx context.Context, name string) (string, error) {
	i := slices.IndexFunc(c.nodes(), func(n *node) bool { return n.Name == name })
	if i < 0 {
		return "", fmt.Errorf("kafka: no node %q among %v", name, c.names())
	}
	n := c.nodes()[i]
	at := n.client
	if at == nil {
		at = n.controller
	}
	features, err := n.features(ctx, at)
	if err != nil {
		return "", fmt.Errorf("kafka: configuration of %s: %w", name, err)
	}
	found, err := n.settings(ctx, at, kmsg.ConfigResourceTypeBroker, strconv.Itoa(int(n.id)))
	if err != nil && n.client != nil {
		return "", fmt.Errorf("kafka: configuration of %s: %w", name, err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# feature levels, as the node reports them\n%s", features)
	fmt.Fprintf(&b, "# differs from the defaults, as the node reports it\n%s", settingsText(found, true))
	fmt.Fprintf(&b, "# all settings, as the node reports them\n%s", settingsText(found, false))
	if err != nil {
		fmt.Fprintf(&b, "# the controller does not tell its settings: %v\n", err)
	}
	if c.launch != nil {
		fmt.Fprintf(&b, "# java %s, arguments\n%s\n# configuration file\n%s", c.launch.java.Version, strings.Join(n.server.arguments(), " "), n.server.properties())
	}
	return b.String(), nil
}

// features are what the cluster's nodes have agreed to speak: metadata.version, transaction.version and so on.
func (n *node) features(ctx context.Context, at *line) (string, error) {
	r, err := n.apiVersions(ctx, at)
	if err != nil {
		return "", err
	}
	return featuresText(r.FinalizedFeatures), nil
}

// apiVersions is what a node says that it understands.
func (n *node) apiVersions(ctx context.Context, at *line) (*kmsg.ApiVersionsResponse, error) {
	q := kmsg.NewPtrApiVersionsRequest()
	q.ClientSoftwareName, q.ClientSoftwareVersion = "waybill", "1"
	r, err := request[*kmsg.ApiVersionsResponse](ctx, at, q)
	if err != nil {
		return nil, err
	}
	return r, refusal(n.Name, q, r.ErrorCode, nil)
}

func featuresText(fs []kmsg.ApiVersionsResponseFinalizedFeature) string {
	fs = slices.Clone(fs)
	slices.SortFunc(fs, func(a, b kmsg.ApiVersionsResponseFinalizedFeature) int { return cmp.Compare(a.Name, b.Name) })
	var b strings.Builder
	for _, f := range fs {
		fmt.Fprintf(&b, "%s=%d\n", f.Name, f.MaxVersionLevel)
	}
	return b.String()
}

// settings asks a node for what is set on itself or on a topic.
func (n *node) settings(ctx context.Context, at *line, kind kmsg.ConfigResourceType, name string) ([]kmsg.DescribeConfigsResponseResourceConfig, error) {
	x := kmsg.NewDescribeConfigsRequestResource()
	x.ResourceType, x.ResourceName = kind, name
	q := kmsg.NewPtrDescribeConfigsRequest()
	q.Resources, q.IncludeSynonyms = append(q.Resources, x), true
	r, err := request[*kmsg.DescribeConfigsResponse](ctx, at, q)
	if err != nil {
		return nil, err
	}
	if len(r.Resources) != 1 {
		return nil, fmt.Errorf("kafka: %s asked for the settings of %q answered with %d, want 1", n.Name, name, len(r.Resources))
	}
	if err := refusal(n.Name, q, r.Resources[0].ErrorCode, r.Resources[0].ErrorMessage); err != nil {
		return nil, err
	}
	return r.Resources[0].Configs, nil
}

// settingsText is one setting a line, in order; where only the different ones are wanted, with the default beside it.
func settingsText(ss []kmsg.DescribeConfigsResponseResourceConfig, different bool) string {
	ss = slices.Clone(ss)
	slices.SortFunc(ss, func(a, b kmsg.DescribeConfigsResponseResourceConfig) int { return cmp.Compare(a.Name, b.Name) })
	var b strings.Builder
	for _, s := range ss {
		switch {
		case !different:
			fmt.Fprintf(&b, "%s=%s\n", s.Name, valueOf(s))
		case s.Source != kmsg.ConfigSourceDefaultConfig:
			fmt.Fprintf(&b, "%s=%s (default %s)\n", s.Name, valueOf(s), defaultOf(s))
		}
	}
	return b.String()
}

func valueOf(s kmsg.DescribeConfigsResponseResourceConfig) string {
	if s.IsSensitive {
		return "(not shown)"
	}
	if s.Value == nil {
		return "(none)"
	}
	return *s.Value
}

// defaultOf is the product's default, which a node tells as one of the setting's synonyms.
func defaultOf(s kmsg.DescribeConfigsResponseResourceConfig) string {
	for _, y := range s.ConfigSynonyms {
		if y.Source == kmsg.ConfigSourceDefaultConfig && y.Value != nil {
			return *y.Value
		}
	}
	return "(none)"
}
