// Package cli is the command line: what a person types, sees while waiting, and gets as an exit code.
//
// It decides nothing about runs or verdicts: campaign carries them out, results draws them.
package cli

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"waybill/harness/campaign"
	"waybill/harness/run"
	"waybill/harness/semantics"
)

// Exit codes of every command.
const (
	ExitKept         = 0
	ExitBroken       = 1
	ExitInconclusive = 2
	ExitUsage        = 3                // bad flags, experiment, or run directory
	ExitRun          = campaign.ExitRun // 4: the harness or the broker could not be run
)

const exitHelp = `Exit codes: 0 every promise kept; 1 a promise broken; 2 none broken, some inconclusive;
3 bad usage, experiment or run directory; 4 the harness or the broker could not be run.`

// coded is an error with an exit code of its own. Errors without one are bad usage.
type coded struct {
	code int
	err  error // nil: everything has been said
}

func (c coded) Error() string {
	if c.err == nil {
		return fmt.Sprintf("exit code %d", c.code)
	}
	return c.err.Error()
}

func (c coded) Unwrap() error { return c.err }

// screen is where a command writes.
type screen struct {
	out, err io.Writer
	terminal bool // out is one: repaint, colour
	color    bool
	width    int
}

func newScreen(out, errOut io.Writer) screen {
	s := screen{out: out, err: errOut, width: 100}
	f, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return s
	}
	s.terminal = os.Getenv("TERM") != "dumb"
	s.color = s.terminal && os.Getenv("NO_COLOR") == ""
	if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
		s.width = w
	}
	return s
}

// rootCommand is the command without a name, with all others below it.
func rootCommand(s screen) *cobra.Command {
	root := &cobra.Command{
		Use:   "waybill",
		Short: "Audit what a message broker promises about delivery",
		Long: `Waybill pushes uniquely numbered messages through a real broker while it kills, pauses and
partitions brokers and clients, and audits every message for loss and duplication against
what each mode of use promises: at most once, at least once, exactly once.

` + exitHelp,
		Example: `  waybill test                                            a NATS cluster, four modes, six faults, about two minutes
  waybill test --fault all --seed 7                       the full tour
  waybill test --target kafka --mode acks-1,transactional --fault kill-leader
  waybill test --target rabbitmq --profile autoheal       how it heals partitions is a profile
  waybill test --target kafka --cluster external --brokers 10.0.0.1:9092,10.0.0.2:9092,10.0.0.3:9092
  waybill provision kafka rabbitmq                        fetch ahead of runs what they need
  waybill audit results/runs/nats/20261121T081500Z-7      the verdict again, from what was recorded
  waybill explain results/runs/nats/20261121T081500Z-7    why, by cause; and the life of any message
  waybill export results/runs/kafka/RUN -o histories      for Jepsen's checkers
  waybill serve                                           runs and benchmarks in a browser, those in progress live
  waybill list modes rabbitmq                             what is promised, in the vendor's words
  waybill doctor                                          what this machine permits`,
		Version:       run.Version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.AddCommand(testCommand(s), benchCommand(s), auditCommand(s), reportCommand(s), explainCommand(s), exportCommand(s), provisionCommand(s), listCommand(s), doctorCommand(s), serveCommand(s))
	return root
}

// Main runs one command and returns its exit code.
func Main(args []string, out, errOut io.Writer) int {
	root := rootCommand(newScreen(out, errOut))
	root.SetArgs(args)
	c, err := root.ExecuteC()
	if err == nil {
		return ExitKept
	}
	code := ExitUsage
	var own coded
	switch {
	case errors.As(err, &own):
		code = own.code
	case errors.Is(err, campaign.ErrRun), errors.Is(err, campaign.ErrProvision):
		code = ExitRun
	}
	if own.code == 0 || own.err != nil {
		fmt.Fprintf(errOut, "waybill: %v\n", err)
		if code == ExitUsage {
			fmt.Fprintf(errOut, "Try '%s --help'.\n", c.CommandPath())
		}
	}
	return code
}

// exitWith turns a verdict into the command's end, everything having been printed.
func exitWith(v semantics.Verdict) error {
	if v.ExitCode == ExitKept {
		return nil
	}
	return coded{code: v.ExitCode}
}
