package run

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/semantics"
	"waybill/targets"
)

// scriptedOutputs is an inspector that reads outputs, and fails to at first.
type scriptedOutputs struct {
	scriptedInspector
	outputs []targets.Output
	fails   int // how often a reading ends early
	asked   int
}

func (s *scriptedOutputs) Outputs(_ context.Context, each func(targets.Output) error) error {
	s.asked++
	for i, o := range s.outputs {
		if s.asked <= s.fails && i == 1 {
			return errors.New("a transaction is still open")
		}
		if err := each(o); err != nil {
			return err
		}
	}
	return nil
}

func transactionalLane() InspectorLane {
	m := semantics.Mode{Name: "transactional"}
	m.Traits.Transactional = true
	return InspectorLane{Index: 5, Lane: experiment.Lane{Name: m.Name, Mode: m}}
}

func TestOutputsAreReadBackWithTheTransactionThatWroteThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		corrupt := stored(4)
		corrupt.Payload = []byte("x")
		s := &scriptedOutputs{fails: 2, outputs: []targets.Output{
			{Copy: stored(1), Transaction: "7/12", Visible: true}, {Copy: stored(2), Transaction: "8/1"},
			{Copy: stored(3), Visible: true}, {Copy: corrupt, Transaction: "7/13", Visible: true}}}
		var n int64
		events, err := inspect(t, transactionalLane(), s, "readback", inspection{Lane: 1, Ref: 8, Limit: time.Minute}, &n)
		if err != nil || n != 3 || s.asked != 3 {
			t.Fatalf("%d effects in %d readings, %v; want the three that are visible, in the third", n, s.asked, err)
		}
		want := []history.Event{
			{Msg: history.Msg{Life: 3, Seq: 1}, Other: 7, Txn: 12},
			{Msg: history.Msg{Life: 3, Seq: 2}, Other: 8, Txn: 1, Flags: history.Invisible},
			{Msg: history.Msg{Life: 3, Seq: 3}, Text: `of transaction ""`},
			{Msg: history.Msg{Life: 3, Seq: 4}, Other: 7, Txn: 13, Flags: history.Corrupt},
		}
		if len(events) != len(want)+1 {
			t.Fatalf("recorded %+v, want one reading alone", events)
		}
		for i, w := range want {
			if e := events[i]; e.Kind != history.Readback || e.Msg != w.Msg || e.Other != w.Other || e.Txn != w.Txn || e.Flags != w.Flags || e.Text != w.Text ||
				e.Count != 1 || e.Ref != 8 || e.Lane != 5 || e.Pos.Offset != int64(i+1) {
				t.Errorf("output %d is recorded as %+v", i+1, e)
			}
		}
		if e := events[4]; e.Kind != history.ReadbackEnd || e.Status != history.OK || e.Count != 3 {
			t.Errorf("end %+v", e)
		}
	})
}

func TestOutputsThatCannotBeReadToTheirEndAreNotRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for why, i := range map[string]targets.Inspector{
			"a transaction is still open": &scriptedOutputs{fails: 1_000_000, outputs: []targets.Output{{Copy: stored(1)}, {Copy: stored(2)}}},
			"its outputs cannot be read":  &scriptedInspector{},
		} {
			began := time.Now()
			events, err := inspect(t, transactionalLane(), i, "readback", inspection{Lane: 1, Limit: 10 * time.Second}, nil)
			if err == nil || !strings.Contains(err.Error(), why) || time.Since(began) > 11*time.Second {
				t.Errorf("after %s: %v, want %q", time.Since(began), err, why)
			}
			if len(events) != 1 || events[0].Status != history.Failed || !strings.Contains(events[0].Text, why) {
				t.Errorf("%s: recorded %+v", why, events)
			}
		}
	})
}
