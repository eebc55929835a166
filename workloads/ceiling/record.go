package ceiling

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"waybill/harness/history"
	"waybill/workloads"
)

// Lives of a run, in the order in which they begin.
const (
	controllerLife history.Life = 1 + iota
	producerLife
	consumerLife
	inspectorLife
)

// checkpoint is the only one: a run has no faults.
const checkpoint = 1

// recording are the segments of a run, and the folder of its effects.
type recording struct {
	cfg                                            Config
	effects                                        string
	journal, sends, outcomes, deliver, acks, scans *history.Recorder
}

func newRecording(c Config) (*recording, error) {
	r := &recording{cfg: c, effects: filepath.Join(c.Dir, "effects")}
	dir := filepath.Join(c.Dir, "history")
	for _, d := range []string{dir, r.effects} {
		if err := os.Mkdir(d, 0o755); err != nil {
			return nil, fmt.Errorf("ceiling: %w", err)
		}
	}
	client := history.Create
	if c.Record != "" {
		client = history.CreateSilent
	}
	for _, s := range []struct {
		into      **history.Recorder
		create    func(string, history.Header) (*history.Recorder, error)
		life      history.Life
		role      string
		goroutine string
	}{
		{&r.journal, history.Create, controllerLife, "controller", "journal"},
		{&r.sends, client, producerLife, "producer", "sends"},
		{&r.outcomes, client, producerLife, "producer", "outcomes"},
		{&r.deliver, client, consumerLife, "consumer", "deliveries"},
		{&r.acks, client, consumerLife, "consumer", "acks"},
		{&r.scans, history.Create, inspectorLife, "inspector", "scans"},
	} {
		var err error
		path := filepath.Join(dir, fmt.Sprintf("%05d-%s-%s%s", s.life, s.role, s.goroutine, history.Extension))
		*s.into, err = s.create(path, history.Header{Run: c.Run, Life: s.life, Role: s.role, Slot: s.role, Host: s.role, Lane: Name, Goroutine: s.goroutine})
		if err != nil {
			return nil, errors.Join(fmt.Errorf("ceiling: %w", err), r.close())
		}
	}
	return r, nil
}

func (r *recording) close() error {
	var err error
	for _, rec := range []*history.Recorder{r.journal, r.sends, r.outcomes, r.deliver, r.acks, r.scans} {
		if rec != nil {
			err = errors.Join(err, rec.Close())
		}
	}
	return err
}

// put writes events one after another, until one fails.
func put(rec *history.Recorder, events ...history.Event) error {
	for i := range events {
		if err := rec.Record(&events[i]); err != nil {
			return fmt.Errorf("ceiling: %w", err)
		}
	}
	return nil
}

// begin records that the clients begin.
func (r *recording) begin() error {
	return put(r.journal,
		history.Event{Kind: history.LifeStart, Other: producerLife, Name: "producer", Text: "producer"},
		history.Event{Kind: history.LifeStart, Other: consumerLife, Name: "consumer", Text: "consumer"},
		history.Event{Kind: history.LifeStart, Other: inspectorLife, Name: "inspector", Text: "inspector"})
}

// end records the checkpoint of a run at rest, as the harness does after any other: an empty queue, and every effect.
func (r *recording) end() error {
	err := put(r.journal,
		history.Event{Kind: history.EpisodeBegin, Ref: checkpoint, Name: "final"},
		history.Event{Kind: history.CheckpointBegin, Ref: checkpoint})
	if err != nil {
		return err
	}
	if err := put(r.scans, history.Event{Kind: history.Depth, Ref: checkpoint, Name: Name}); err != nil {
		return err
	}
	if r.cfg.Record == "" {
		if err := r.readback(); err != nil {
			return err
		}
	}
	return put(r.journal,
		history.Event{Kind: history.CheckpointEnd, Ref: checkpoint, Status: history.OK},
		history.Event{Kind: history.EpisodeEnd, Ref: checkpoint},
		history.Event{Kind: history.LifeEnd, Other: producerLife, Name: "producer", Status: history.OK, Reason: history.Planned},
		history.Event{Kind: history.LifeEnd, Other: consumerLife, Name: "consumer", Status: history.OK, Reason: history.Planned},
		history.Event{Kind: history.LifeEnd, Other: inspectorLife, Name: "inspector", Status: history.OK, Reason: history.Planned})
}

// readback records every effect in the file.
func (r *recording) readback() error {
	stamp := r.cfg.stamp()
	e := history.Event{Kind: history.Readback, Ref: checkpoint, Count: 1}
	var n uint64
	err := workloads.ReadFiles([]string{r.effects}, func(token string, count uint64) error {
		n++
		e.Msg, e.Flags, e.Text = stamp.Effect(token)
		return r.scans.Record(&e)
	})
	if err != nil {
		return fmt.Errorf("ceiling: %w", err)
	}
	return put(r.scans, history.Event{Kind: history.ReadbackEnd, Ref: checkpoint, Count: n, Status: history.OK})
}

func (c Config) stamp() workloads.Stamp {
	return workloads.NewStamp(c.Run, c.Seed, c.experiment().Load)
}
