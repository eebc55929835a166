package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"waybill/harness/campaign"
	"waybill/harness/jepsen"
	"waybill/harness/semantics"
	"waybill/results"
)

// fromJepsen is how a history of Jepsen's is to be audited.
type fromJepsen struct {
	options  jepsen.Options
	promises []string
	out      string // folder that a run directory is made in; "": none is kept
}

// What is promised unless --promise says otherwise: of a log what jepsen.tests.kafka demands, of a queue without offsets, whose store nobody
// can read, what jepsen.checker/total-queue does.
var (
	promisesOfALog   = []string{"stored=exactly-once+ordered", "delivered=at-least-once+ordered"}
	promisesOfAQueue = []string{"delivered=at-least-once"}
)

const fromJepsenHelp = `With --from jepsen it audits a history that Jepsen recorded instead: the EDN of jepsen.tests.kafka's
operations (:send, :poll, :txn, :assign, :subscribe), as one vector or an operation a line, or of a queue's
(:enqueue, :dequeue, :drain). --promise says what is promised, STAGE=GUARANTEE, comma separated: stored=
at-most-once, at-least-once or exactly-once, delivered=at-least-once, each with +ordered where order is
promised too; stored also with +linearizable. The default is what Jepsen demands, of a log
stored=exactly-once+ordered,delivered=at-least-once+ordered, of a queue delivered=at-least-once. Effects are
not in such a history, nor are consumers' acknowledgements: promises about them are refused. :fail counts as
certainly rejected (else --fails-unknown), :info as unknown. What was acknowledged and never polled is lost
where something beyond it was polled; what lies at the end of a key is inconclusive unless --drained says
that polling went on until nothing more came. Faults of the nemesis are shown and not judged. The token of
value 42 of key 3 is wb1-imported-10003-0000000042. With --out it becomes a run directory like any other.

`

// auditJepsen reads a history, makes a run of it and audits that.
func auditJepsen(ctx context.Context, s screen, path string, from fromJepsen) error {
	started := time.Now()
	h, err := readJepsen(path)
	if err != nil {
		return err
	}
	if from.promises == nil {
		if from.promises = promisesOfALog; h.Queue() {
			from.promises = promisesOfAQueue
		}
	}
	if from.options.Promises, err = promisesOf(from.promises); err != nil {
		return err
	}
	if err := from.options.Check(); err != nil {
		return fmt.Errorf("--promise: %w", err)
	}
	r, err := h.Run(from.options)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, f := range slices.Sorted(maps.Keys(h.Ignored)) {
		fmt.Fprintf(s.err, "waybill: %s: %d operations :%s say nothing of messages and are left out\n", path, h.Ignored[f], f)
	}
	parent := from.out
	if parent == "" {
		if parent, err = os.MkdirTemp("", "waybill-jepsen-"); err != nil {
			return fmt.Errorf("--from jepsen: %w", err)
		}
		defer func() { _ = os.RemoveAll(parent) }()
	}
	d, v, warning, err := judgeImported(ctx, r, parent, path, started)
	if err != nil {
		return err
	}
	if from.out != "" {
		show(s, v, d, warning)
		return exitWith(v)
	}
	m, err := d.LoadManifest()
	if err != nil {
		return err
	}
	if err := results.Matrix(s.out, v, results.TermOptions{Color: s.color, Width: s.width, Repeat: m.Repeat()}); err != nil {
		return err
	}
	return exitWith(v)
}

// readJepsen reads a file, or standard input for "-".
func readJepsen(path string) (*jepsen.History, error) {
	f := os.Stdin
	if path != "-" {
		var err error
		if f, err = os.Open(path); err != nil {
			return nil, fmt.Errorf("--from jepsen: %w", err)
		}
		defer f.Close()
	}
	h, err := jepsen.Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return h, nil
}

// judgeImported makes a run directory of an imported run, and judges it as any other.
func judgeImported(ctx context.Context, r jepsen.Run, parent, path string, started time.Time) (d results.Dir, v semantics.Verdict, warning, err error) {
	if d, err = results.NewDir(parent, r.Experiment.Target, started, r.Experiment.Seed); err != nil {
		return d, v, nil, err
	}
	m := results.NewManifest(r.Experiment.Seed, os.Args, started)
	m.Target, m.Facts, m.Ended = r.Experiment.Target, map[string]string{"from": path}, time.Now().UTC()
	if err := errors.Join(d.SaveExperiment(r.Experiment), d.SaveSchedule(r.Schedule), d.SaveManifest(m), r.Record(d.History())); err != nil {
		return d, v, nil, err
	}
	if v, err = campaign.Judge(ctx, d); err != nil {
		return d, v, nil, err
	}
	warning, err = campaign.Publish(d, v)
	return d, v, warning, err
}

// promisesOf reads STAGE=GUARANTEE, with +ordered or +linearizable behind it.
func promisesOf(list []string) ([]semantics.Promise, error) {
	var out []semantics.Promise
	for _, text := range list {
		stage, rest, found := strings.Cut(text, "=")
		words := strings.Split(rest, "+")
		p := semantics.Promise{Source: semantics.Source{Quote: text}}
		err := errors.Join(p.Stage.UnmarshalText([]byte(stage)), p.Guarantee.UnmarshalText([]byte(strings.ReplaceAll(words[0], "-", " "))))
		for _, w := range words[1:] {
			switch w {
			case "ordered":
				p.Ordered = true
			case "linearizable":
				p.Linearizable = true
			default:
				found = false
			}
		}
		if !found || err != nil {
			return nil, fmt.Errorf("--promise %q: want a stage, =, and none, at-most-once, at-least-once or exactly-once, as in %s", text, strings.Join(promisesOfALog, ","))
		}
		if slices.ContainsFunc(out, func(q semantics.Promise) bool { return q.Stage == p.Stage }) {
			return nil, fmt.Errorf("--promise %q: %s has a promise already", text, p.Stage)
		}
		out = append(out, p)
	}
	return out, nil
}
