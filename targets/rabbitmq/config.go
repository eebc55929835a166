package rabbitmq

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// applications are those whose settings a node is asked for.
var applications = []string{"rabbit", "ra", "aten", "kernel", "mnesia", "osiris"}

// defaults are the product's own of the settings that the harness changes, by application and name.
var defaults = map[string]string{
	"rabbit.cluster_partition_handling": "ignore",
	"rabbit.cluster_keepalive_interval": "10000",
	"rabbit.vm_memory_high_watermark":   "0.4",
	"rabbit.disk_free_limit":            "50000000",
	"rabbit.quorum_tick_interval":       "5000",
	"rabbit.default_user":               "guest",
	"rabbit.loopback_users":             "[<<\"guest\">>]",
	"rabbit.cluster_formation":          "[]",
	"ra.wal_max_size_bytes":             "536870912",
	"aten.poll_interval":                "5000",
	"kernel.net_ticktime":               "60",
}

// Config implements targets.ConfigReporter: what the node says of its own settings.
func (c *cluster) Config(ctx context.Context, name string) (string, error) {
	n, err := c.node(name)
	if err != nil {
		return "", err
	}
	var system map[string]any
	if err := c.ask(ctx, n, &system, "system"); err != nil {
		return "", err
	}
	effective := map[string]string{}
	for _, app := range applications {
		var env map[string]string
		if err := c.ask(ctx, n, &env, "environment", app); err != nil {
			return "", err
		}
		for k, v := range env {
			effective[app+"."+k] = v
		}
	}
	return configReport(system, effective, n.machine.dir)
}

// configReport writes what a node reported, what of it differs from the product's defaults, and the files that made it so.
func configReport(system map[string]any, effective map[string]string, dir string) (string, error) {
	var b strings.Builder
	fmt.Fprintln(&b, "# reported by the node")
	for _, k := range slices.Sorted(maps.Keys(system)) {
		fmt.Fprintf(&b, "%s: %v\n", k, system[k])
	}
	for _, k := range slices.Sorted(maps.Keys(effective)) {
		fmt.Fprintf(&b, "%s: %s\n", k, oneLine(effective[k]))
	}
	fmt.Fprintln(&b, "# differs from the defaults")
	for _, k := range slices.Sorted(maps.Keys(defaults)) {
		if is, ok := effective[k]; ok && oneLine(is) != defaults[k] {
			fmt.Fprintf(&b, "%s: %s, default %s\n", k, oneLine(is), defaults[k])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files("", nil))) {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return "", fmt.Errorf("rabbitmq: configuration: %w", err)
		}
		fmt.Fprintf(&b, "# %s\n%s", name, text)
	}
	return b.String(), nil
}

// oneLine is a term of Erlang's without its line breaks and indentation.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
