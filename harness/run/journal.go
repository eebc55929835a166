package run

import (
	"errors"
	"path/filepath"
	"sync"
	"time"

	"waybill/harness/history"
)

// controllerLife is the life of the controller: the first of every run.
const controllerLife history.Life = 1

// journal is the controller's own segment, written by its goroutines in turn.
type journal struct {
	mu  sync.Mutex
	rec *history.Recorder
	err error
}

func newJournal(dir, run string) (*journal, error) {
	rec, err := history.Create(filepath.Join(dir, segmentName(controllerLife, "controller", "journal")),
		history.Header{Run: run, Life: controllerLife, Role: "controller", Slot: "controller", Host: "controller", Goroutine: "journal", Version: Version})
	if err != nil {
		return nil, err
	}
	return &journal{rec: rec}, nil
}

// put records an event. An error is kept: the run looks at it between steps.
func (j *journal) put(e history.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.rec.Record(&e); err != nil && j.err == nil {
		j.err = err
	}
}

// starve records that this process stood still.
func (j *journal) starve(gap time.Duration) { j.put(starved(gap)) }

// failed returns the first error of put.
func (j *journal) failed() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

func (j *journal) close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return errors.Join(j.err, j.rec.Close())
}
