package jepsen

import (
	"errors"
	"fmt"
	"path/filepath"

	"waybill/harness/history"
)

// Record writes the run's events as segments into a folder that exists, one for each process of Jepsen's.
func (r Run) Record(dir string) error {
	recorders := map[history.Life]*history.Recorder{}
	closeAll := func(err error) error {
		for _, rec := range recorders {
			err = errors.Join(err, rec.Close())
		}
		return err
	}
	for i := range r.Events {
		life := r.Events[i].Life
		if recorders[life] != nil {
			continue
		}
		is := r.roles[life]
		rec, err := history.Create(filepath.Join(dir, fmt.Sprintf("%06d-%s%s", life, is.name, history.Extension)),
			history.Header{Run: r.Experiment.Run, Life: life, Role: is.name, Slot: is.slot})
		if err != nil {
			return closeAll(fmt.Errorf("jepsen: %w", err))
		}
		recorders[life] = rec
	}
	origin := history.CeilTicks(history.Clock()) // after every segment's first record
	for i := range r.Events {
		e := r.Events[i]
		e.Time += origin
		if err := recorders[e.Life].Record(&e); err != nil {
			return closeAll(fmt.Errorf("jepsen: %w", err))
		}
	}
	return closeAll(nil)
}
