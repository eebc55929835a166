package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"waybill/harness/experiment"
	"waybill/harness/export"
	"waybill/harness/history"
	"waybill/results"
)

func exportCommand(s screen) *cobra.Command {
	var format, lane, out string
	c := &cobra.Command{
		Use:   "export DIR",
		Short: "Write a run's history for other programs: Jepsen's checkers, porcupine, JSON, CSV",
		Long: `Writes the recorded history in a run directory in another format. It judges nothing and changes
nothing but what it is told to write.

  jepsen  one lane as EDN, an operation a line. Where the store has positions, what jepsen.tests.kafka
          checks: :send, :poll, :txn, :subscribe and :assign, with partitions as keys, messages as values
          and offsets that are dense for each key. Otherwise :enqueue, :dequeue and :drain for
          jepsen.checker/total-queue. A value is life * 10000000000 + sequence of the message: 170000000042
          is the token wb1-RUN-00017-0000000042. All attempts at a message are one operation. The first
          operation says where the history is from, the last what was left out. 'waybill audit --from
          jepsen' reads it back.
  porcupine
          one lane as the operations of github.com/anishathalye/porcupine, a JSON object a line: client,
          call, input, return, output. send and read where the store has positions, else enqueue and
          dequeue. What has an unknown outcome returns when the run ends, and says so.
  jsonl   every event as it was recorded, a JSON object a line.
  csv     every event, a row each, under fixed columns, for a spreadsheet or a database. A message's rows
          share its token.

One lane, jsonl or csv go to standard output unless -o names a file; several lanes go to a file each,
LANE.edn or LANE.jsonl, in the folder that -o names, or in 'export' below the run directory.

Exit codes: 0 it is written, whatever the verdict was; 3 bad usage or run directory.`,
		Example: `  waybill export results/runs/kafka/RUN --format jepsen --lane acks-all -o acks-all.edn
  waybill export results/runs/kafka/RUN -o histories
  waybill export results/runs/nats/RUN --format jsonl -o events.jsonl
  waybill export results/runs/rabbitmq/RUN --format jsonl | jq 'select(.kind == "fault-inject")'
  waybill export results/runs/nats/RUN --format csv -o run.csv
  duckdb -c "select lane, count(distinct token) from 'run.csv' where kind = 'send' group by lane"`,
		Args: cobra.ExactArgs(1),
	}
	c.Flags().StringVar(&format, "format", "jepsen", "jepsen, porcupine, jsonl or csv")
	c.Flags().StringVar(&lane, "lane", "", "export this lane alone (a mode's name); default: all")
	c.Flags().StringVarP(&out, "output", "o", "", "file to write, or folder where there are several lanes; - is standard output")
	c.RunE = func(_ *cobra.Command, args []string) error {
		if !slices.Contains([]string{"jepsen", "porcupine", "jsonl", "csv"}, format) {
			return fmt.Errorf("--format %q: want jepsen, porcupine, jsonl or csv", format)
		}
		d, err := results.OpenDir(args[0])
		if err != nil {
			return err
		}
		x, err := d.LoadExperiment()
		if err != nil {
			return err
		}
		lanes, err := lanesOf(x, lane)
		if err != nil {
			return err
		}
		h, err := history.Open(d.History())
		if err != nil {
			return err
		}
		for _, segment := range h.Segments() {
			if segment.Cut != "" {
				fmt.Fprintf(s.err, "waybill: %s was cut short and is exported up to there: %s\n", filepath.Base(segment.Path), segment.Cut)
			}
		}
		only := -1
		if lane != "" {
			only = lanes[0]
		}
		switch format {
		case "jsonl":
			return writeTo(s, out, func(w io.Writer) error { return export.JSONL(w, h, only) })
		case "csv":
			return writeTo(s, out, func(w io.Writer) error { return export.CSV(w, h, x, only) })
		case "porcupine":
			return exportLanes(s, d, x, lanes, out, ".jsonl", func(w io.Writer, lane int) (export.Left, error) {
				return export.Left{}, export.Porcupine(w, h, x.Run, lane)
			})
		}
		return exportLanes(s, d, x, lanes, out, ".edn", func(w io.Writer, lane int) (export.Left, error) { return export.Jepsen(w, h, x, lane) })
	}
	return c
}

// lanesOf is the indices of the lanes to export.
func lanesOf(x experiment.Experiment, name string) ([]int, error) {
	var all []int
	var names []string
	for i, l := range x.Lanes {
		if l.Name == name {
			return []int{i}, nil
		}
		all, names = append(all, i), append(names, l.Name)
	}
	if name != "" {
		return nil, fmt.Errorf("--lane %q: the run has no such lane: want one of %s", name, strings.Join(names, ", "))
	}
	return all, nil
}

// exportLanes writes each lane, to a file of its own where there are several.
func exportLanes(s screen, d results.Dir, x experiment.Experiment, lanes []int, out, extension string, one func(io.Writer, int) (export.Left, error)) error {
	folder := ""
	if len(lanes) > 1 {
		if out == "-" {
			return errors.New("-o -: several lanes need a folder: name one, or choose a lane with --lane")
		}
		folder = out
		if folder == "" {
			folder = d.Path("export")
		}
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return fmt.Errorf("-o: %w", err)
		}
	}
	for _, i := range lanes {
		path := out
		if folder != "" {
			path = filepath.Join(folder, x.Lanes[i].Name+extension)
		}
		var left export.Left
		err := writeTo(s, path, func(w io.Writer) (err error) {
			left, err = one(w, i)
			return err
		})
		if err != nil {
			return err
		}
		if folder != "" {
			fmt.Fprintln(s.out, path)
		}
		if said := left.String(); said != "" {
			fmt.Fprintf(s.err, "waybill: %s: left out: %s\n", x.Lanes[i].Name, said)
		}
	}
	return nil
}

// writeTo gives write a file, or standard output for "" and "-".
func writeTo(s screen, path string, write func(io.Writer) error) error {
	if path == "" || path == "-" {
		return write(s.out)
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("-o: %w", err)
	}
	return errors.Join(write(f), f.Close())
}
