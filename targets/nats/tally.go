package nats

import (
	"errors"
	"fmt"
)

// tally counts the replicas that a scan has read whole, and says when it is over. A replica that is behind is passed over for another: one that
// led before a partition may stay behind for minutes (see Healthy), and a majority holds all there is without it. Any other fault of a
// replica is an error, however many are complete.
type tally struct {
	stream      string
	want, peers int // replicas: to read, and there are

	met      map[string]bool
	complete int
	short    []error // why there were not more
	fault    error   // of a replica
}

func (t *tally) more() bool { return t.fault == nil && t.complete < t.want && len(t.met) < t.peers }

// read takes how the reading of a replica ended.
func (t *tally) read(replica string, err error) {
	t.met[replica] = true
	if err == nil {
		t.complete++
		return
	}
	if err = fmt.Errorf("nats: scan of %s on %s: %w", t.stream, replica, err); errors.Is(err, errBehind) {
		t.short = append(t.short, err)
	} else {
		t.fault = err
	}
}

// err is nil when as many replicas as were wanted are complete.
func (t *tally) err() error {
	if t.fault != nil || t.complete >= t.want {
		return t.fault
	}
	few := fmt.Errorf("nats: scan of %s: %d of the replicas met (%v) complete, want %d", t.stream, t.complete, sorted(t.met), t.want)
	return errors.Join(append(t.short, few)...)
}
