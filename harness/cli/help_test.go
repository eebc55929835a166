package cli

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"waybill/harness/campaign"
	"waybill/harness/experiment"
	"waybill/targets"
)

// example is the command line in a line of help: without the environment before it, a pipe behind it, and what it means.
func example(line string) []string {
	_, line, ok := strings.Cut(line, "waybill ")
	if !ok {
		return nil
	}
	line, _, _ = strings.Cut(line, "   ")
	line, _, _ = strings.Cut(line, " | ")
	return strings.Fields(line)
}

// Every example in any command's help is one that the command takes: its flags, and the names of targets, modes, profiles and faults.
func TestExamplesInHelpAreTaken(t *testing.T) {
	seen := map[string]int{}
	root := rootCommand(screen{out: io.Discard, err: io.Discard})
	for _, c := range append(root.Commands(), root) {
		for line := range strings.Lines(c.Example) {
			args := example(strings.TrimSpace(line))
			if args == nil {
				continue
			}
			// A tree of its own, since flags keep what was parsed before.
			of, rest, err := rootCommand(screen{out: io.Discard, err: io.Discard}).Find(args)
			if err != nil {
				t.Errorf("%s: %v", line, err)
				continue
			}
			if err := of.ParseFlags(rest); err != nil {
				t.Errorf("%s: %v", line, err)
				continue
			}
			if err := of.ValidateArgs(of.Flags().Args()); err != nil {
				t.Errorf("%s: %v", line, err)
			}
			seen[of.Name()]++
			checkNames(t, line, of)
		}
	}
	for _, c := range root.Commands() {
		if seen[c.Name()] == 0 && !c.Hidden && c.Name() != "help" {
			t.Errorf("%s has no example", c.Name())
		}
	}
	for name := range strings.FieldsSeq("kafka rabbitmq external postgres:// --version --dist --profile --schedule") {
		help, _, _ := root.Find([]string{"test"})
		if !strings.Contains(help.Example, name) {
			t.Errorf("no example of test has %s", name)
		}
	}
}

func checkNames(t *testing.T, line string, c *cobra.Command) {
	if c.Name() == "bench" {
		f := c.Flags()
		spec := experiment.BenchSpec{Profile: f.Lookup("profile").Value.String(), Version: f.Lookup("version").Value.String()}
		spec.Targets, _ = f.GetStringSlice("target")
		spec.Modes, _ = f.GetStringSlice("mode")
		if _, err := campaign.NewBench(spec); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		return
	}
	name := c.Flags().Lookup("target")
	if name == nil || name.Value.String() == "" {
		return
	}
	p, ok := targets.Find(name.Value.String())
	if !ok {
		t.Errorf("%s: there is no such target", line)
		return
	}
	if c.Name() != "test" {
		return
	}
	d := p.Describe("")
	var modes, profiles []string
	for _, m := range d.Modes {
		modes = append(modes, m.Name)
	}
	for _, p := range d.Profiles {
		profiles = append(profiles, p.Name)
	}
	asked, _ := c.Flags().GetStringSlice("mode")
	for _, m := range asked {
		if !slices.Contains(modes, m) {
			t.Errorf("%s: there is no mode %q", line, m)
		}
	}
	if profile, _ := c.Flags().GetString("profile"); profile != "" && profile != "all" && !slices.Contains(profiles, profile) {
		t.Errorf("%s: there is no profile %q", line, profile)
	}
	faults, _ := c.Flags().GetStringSlice("fault")
	if _, err := campaign.Faults(faults); err != nil {
		t.Errorf("%s: %v", line, err)
	}
	if version, _ := c.Flags().GetString("version"); version != "" {
		if err := campaign.CheckVersion(p, version); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}
