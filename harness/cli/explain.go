package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"waybill/harness/campaign"
	"waybill/harness/history"
	"waybill/results"
	"waybill/results/story"
)

func explainCommand(s screen) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "explain DIR [TOKEN | FINDING]",
		Short: "Tell the story of one message, or what the messages of a finding have in common",
		Long: `Reads the history in a run directory and explains what the audit found in it. It judges nothing
anew, starts nothing and needs no broker.

  DIR            groups all messages of every finding by cause: when it was, relative to the fault's
                 strike; which node led, or which client acted; which part of which stream.
  DIR FINDING    the same for one finding, by its number, and the life of its first message.
  DIR TOKEN      one message's life across all workers in order: every attempt, scan, delivery,
                 acknowledgement, effect and transaction, with the faults, leaders, deaths and lost
                 connections around it; what was promised and in whose words; what the finding means,
                 and the observations that prove it. A message with which nothing is wrong is told too.

A token is given as findings print it, wb1-RUN-LIFE-SEQUENCE, or with its checksum.

Exit codes: 0 it is told, whatever the verdict was; 3 bad usage or run directory, no such finding, or a token
that is none, of another run, or that fits several messages or none.`,
		Example: `  waybill explain results/runs/kafka/RUN
  waybill explain results/runs/kafka/RUN 3
  waybill explain results/runs/kafka/RUN wb1-d968ae44-00008-0000000862
  waybill explain results/runs/kafka/RUN 3 --json | jq '.stories[0].lines[] | select(.proof)'`,
		Args: cobra.RangeArgs(1, 2),
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write what is told as one JSON object")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		d, err := results.OpenDir(args[0])
		if err != nil {
			return err
		}
		x, err := campaign.Explain(cmd.Context(), d)
		if errors.Is(err, history.ErrCorrupt) {
			return fmt.Errorf("%w\nthe history was changed after it was written: no story can rest on it", err)
		}
		if err != nil {
			return err
		}
		var t story.Telling
		switch id, number := strconv.Atoi(last(args)); {
		case len(args) == 1:
			t.Causes, err = x.Causes(cmd.Context())
		case number == nil:
			t, err = x.Finding(cmd.Context(), id)
		default:
			t.Stories = make([]story.Story, 1)
			t.Stories[0], err = x.Token(cmd.Context(), args[1])
		}
		if err != nil {
			return err
		}
		if asJSON {
			out := json.NewEncoder(s.out)
			out.SetIndent("", "  ")
			out.SetEscapeHTML(false)
			return out.Encode(t)
		}
		return tell(s, string(d), t, len(args) == 1)
	}
	return c
}

func last(args []string) string { return args[len(args)-1] }

// tell writes a telling as text. Of a whole run it says how to go on.
func tell(s screen, dir string, t story.Telling, all bool) error {
	o := story.Options{Color: s.color, Width: s.width}
	if all && len(t.Causes) == 0 {
		fmt.Fprintln(s.out, "The audit found nothing to explain. Any message's life is told by its token.")
		return nil
	}
	if err := story.Causes(s.out, t.Causes, o); err != nil {
		return err
	}
	for _, one := range t.Stories {
		if len(t.Causes) > 0 {
			fmt.Fprintln(s.out)
		}
		if err := one.Text(s.out, o); err != nil {
			return err
		}
	}
	if all {
		fmt.Fprintf(s.out, "\nThe life of a finding's first message: %s\n", results.ExplainCommand(dir, t.Causes[0].ID))
	}
	return nil
}
