package targettest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"waybill/harness/history"
	"waybill/targets"
)

// shelf is a ScanVisitor that keeps everything, by replica.
type shelf struct {
	replicas []string
	copies   map[string][]targets.Copy
	errs     []error
	now      string
	ranges   map[uint32]targets.Range
}

func (s *shelf) Begin(replica string, ranges []targets.Range) {
	if s.copies == nil {
		s.copies = map[string][]targets.Copy{}
	}
	s.now = replica
	s.replicas = append(s.replicas, replica)
	s.ranges = map[uint32]targets.Range{}
	for _, r := range ranges {
		if _, twice := s.ranges[r.From.Partition]; twice || r.From.Partition != r.To.Partition {
			s.errs = append(s.errs, fmt.Errorf("the scan of %s has the ranges %+v: want one a partition", replica, ranges))
		}
		s.ranges[r.From.Partition] = r
	}
}

func (s *shelf) Copy(c targets.Copy) {
	if r, ok := s.ranges[c.Pos.Partition]; !ok || c.Pos.Offset < r.From.Offset || c.Pos.Offset > r.To.Offset {
		s.errs = append(s.errs, fmt.Errorf("the scan of %s tells of a copy at %+v, outside of %+v", s.now, c.Pos, r))
	}
	s.copies[s.now] = append(s.copies[s.now], c)
}

func (s *shelf) End(_ string, copies int64, err error) {
	if err == nil && copies != int64(len(s.copies[s.now])) {
		err = fmt.Errorf("the scan of %s told of %d copies and counted %d", s.now, len(s.copies[s.now]), copies)
	}
	if err != nil {
		s.errs = append(s.errs, err)
	}
}

// scan reads q from two replicas at least, again until they could be read whole: just after a producer was closed they may still store
// what it had sent.
func (e *environment) scan(t *testing.T, q targets.Queue) *shelf {
	t.Helper()
	ctx := within(t, 45*time.Second)
	i, err := e.dial(t, e.config(q, 0)).Inspector(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, i)
	var s *shelf
	eventually(t, ctx, "the queue is read whole", func() error {
		s = &shelf{}
		err := i.Scan(ctx, 2, s)
		return errors.Join(append(s.errs, err)...)
	})
	distinct := map[string]bool{}
	for _, r := range s.replicas {
		distinct[r] = true
	}
	if len(distinct) < 2 {
		t.Fatalf("the scan read %v, want two replicas", s.replicas)
	}
	return s
}

// place is a position without the epoch, which a confirmation need not know.
func place(p history.Position) history.Position {
	return history.Position{Partition: p.Partition, Offset: p.Offset}
}
