package run

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/targets"
	"waybill/workloads"
)

var runStamp = workloads.Stamp{Run: "run45678", Seed: 7, Size: 32, Keys: 4}

// scriptedInspector holds copies on two replicas.
type scriptedInspector struct {
	replicas [][]targets.Copy
	fails    error // the second replica cannot be read to its end
	depth    targets.Depth
}

func (s *scriptedInspector) Depth(context.Context) (targets.Depth, error) { return s.depth, s.fails }

func (s *scriptedInspector) Scan(_ context.Context, _ int, v targets.ScanVisitor) error {
	for i, copies := range s.replicas {
		v.Begin([]string{"n1", "n2"}[i], []targets.Range{{From: history.Position{Offset: 1, Incarnation: 2}, To: history.Position{Offset: 10, Incarnation: 2}}})
		for _, c := range copies {
			v.Copy(c)
		}
		var err error
		if i == 1 {
			err = s.fails
		}
		v.End([]string{"n1", "n2"}[i], int64(len(copies)), err)
	}
	return s.fails
}

func (s *scriptedInspector) Close() error { return nil }

func stored(seq uint64) targets.Copy {
	m := history.Msg{Life: 3, Seq: seq}
	p := runStamp.Payload(m)
	return targets.Copy{Token: runStamp.Token(m, p), Attempt: 1, Key: runStamp.Key(m), Payload: p, Pos: history.Position{Offset: int64(seq)}}
}

// inspect gives one order to an inspector of lanes 4 and 5, and returns the answer and what was recorded.
func inspect(t *testing.T, lane InspectorLane, i targets.Inspector, op string, q inspection, into any) ([]history.Event, error) {
	t.Helper()
	dir := t.TempDir()
	rec, err := history.Create(filepath.Join(dir, "scans.seg"), history.Header{Run: runStamp.Run, Life: 2, Role: "inspector"})
	if err != nil {
		t.Fatal(err)
	}
	other := InspectorLane{Index: 4, Lane: experiment.Lane{Name: "other"}}
	r := &inspectorRole{stamp: runStamp, lanes: []InspectorLane{other, lane}, rec: rec, clients: []targets.Inspector{nil, i}}
	body, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	answer, orderErr := r.order(context.Background(), op, body)
	if into != nil {
		b, err := json.Marshal(answer)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, into); err != nil {
			t.Fatal(err)
		}
	}
	if err := rec.Close(); err != nil {
		t.Fatal(err)
	}
	h, err := history.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var events []history.Event
	for e, err := range h.Events() {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind != history.ClockCheck && e.Kind != history.Seal {
			events = append(events, *e)
		}
	}
	return events, orderErr
}

func TestAScanRecordsEveryCopyOfEveryReplica(t *testing.T) {
	corrupt, foreign := stored(3), stored(4)
	corrupt.Payload[5] ^= 1
	foreign.Token = "hello"
	copies := []targets.Copy{stored(1), stored(2), corrupt, foreign}
	var sum scanSum
	events, err := inspect(t, InspectorLane{Index: 5}, &scriptedInspector{replicas: [][]targets.Copy{copies, copies}}, "scan", inspection{Lane: 1, Ref: 8, Replicas: 2}, &sum)
	if err != nil || !sum.equal() || strings.Join(sum.Replicas, ",") != "n1,n2" || sum.Copies[0] != 4 || sum.To[1][0] != 10 {
		t.Errorf("%+v, %v", sum, err)
	}
	var kinds []history.Kind
	for i, e := range events {
		kinds = append(kinds, e.Kind)
		tag := uint64(1)
		if i >= 6 {
			tag = 2
		}
		if e.Lane != 5 || e.Ref != 8 || e.Tag != tag {
			t.Errorf("event %d is of lane %d, checkpoint %d, scan %d", i, e.Lane, e.Ref, e.Tag)
		}
	}
	if len(kinds) != 12 || kinds[0] != history.ScanBegin || kinds[1] != history.Copy || kinds[5] != history.ScanEnd || kinds[11] != history.ScanEnd {
		t.Fatalf("recorded %v", kinds)
	}
	if e := events[0]; e.Name != "n1" || e.From != 1 || e.To != 10 || e.Pos.Incarnation != 2 {
		t.Errorf("begin %+v", e)
	}
	if e := events[2]; e.Msg != (history.Msg{Life: 3, Seq: 2}) || e.Pos.Offset != 2 || e.Attempt != 1 || e.Flags != 0 || e.Key != 2 {
		t.Errorf("copy %+v", e)
	}
	if e := events[3]; e.Flags != history.Corrupt || e.Msg.Seq != 3 {
		t.Errorf("corrupt %+v", e)
	}
	if e := events[4]; e.Flags != history.Foreign || e.Text != "hello" {
		t.Errorf("foreign %+v", e)
	}
	if e := events[5]; e.Status != history.OK || e.Count != 4 || e.Name != "n1" {
		t.Errorf("end %+v", e)
	}
}

func TestAScanCutShortIsNotTakenForAWholeOne(t *testing.T) {
	broken := errors.New("n2 has no leader")
	var sum scanSum
	events, err := inspect(t, InspectorLane{Index: 5}, &scriptedInspector{replicas: [][]targets.Copy{{stored(1)}, {}}, fails: broken}, "scan", inspection{Lane: 1}, &sum)
	if !errors.Is(err, broken) || len(sum.Replicas) != 1 {
		t.Errorf("%+v, %v: want one replica and why", sum, err)
	}
	if e := events[len(events)-1]; e.Kind != history.ScanEnd || e.Status != history.Failed || !strings.Contains(e.Text, "no leader") {
		t.Errorf("end %+v", e)
	}
}

func TestADepthIsRecordedWithWhoSaidIt(t *testing.T) {
	want := targets.Depth{Ready: 3, Unacked: 2, Last: 99, Settled: true, From: "n2"}
	var got targets.Depth
	events, err := inspect(t, InspectorLane{Index: 5}, &scriptedInspector{depth: want}, "depth", inspection{Lane: 1, Ref: 8}, &got)
	if err != nil || got != want || len(events) != 1 {
		t.Fatalf("%+v, %v, recorded %v", got, err, events)
	}
	if e := events[0]; e.Kind != history.Depth || e.From != 3 || e.To != 2 || e.Count != 99 || e.Name != "n2" || e.Lane != 5 || e.Ref != 8 {
		t.Errorf("recorded %+v", e)
	}
	if events, err := inspect(t, InspectorLane{}, &scriptedInspector{fails: errors.New("no leader")}, "depth", inspection{Lane: 1}, nil); err == nil || len(events) != 0 {
		t.Errorf("a depth that nobody said: %v, recorded %v", err, events)
	}
}

func TestReadbackJudgesTokensWithoutTheirPayload(t *testing.T) {
	dir := t.TempDir()
	good, forged := stored(1).Token, stored(2).Token
	forged = forged[:len(forged)-8] + "00000000"
	other := workloads.Stamp{Run: "run99999"}.Token(history.Msg{Life: 3, Seq: 1}, nil)
	lines := strings.Join([]string{good, good, forged, other, "hello"}, "\n") + "\n" + stored(5).Token // torn: no effect
	if err := os.WriteFile(filepath.Join(dir, "effects-00009.log"), []byte(lines), 0o644); err != nil {
		t.Fatal(err)
	}
	var n int64
	events, err := inspect(t, InspectorLane{Index: 5, Effects: []string{dir}}, nil, "readback", inspection{Lane: 1, Ref: 8}, &n)
	if err != nil || n != 5 || len(events) != 6 {
		t.Fatalf("%d effects, %v, recorded %v", n, err, events)
	}
	for i, want := range []history.Event{
		{Msg: history.Msg{Life: 3, Seq: 1}}, {Msg: history.Msg{Life: 3, Seq: 1}},
		{Msg: history.Msg{Life: 3, Seq: 2}, Flags: history.Corrupt}, {Flags: history.Foreign, Text: other}, {Flags: history.Foreign, Text: "hello"},
	} {
		if e := events[i]; e.Kind != history.Readback || e.Msg != want.Msg || e.Flags != want.Flags || e.Text != want.Text || e.Count != 1 || e.Ref != 8 || e.Lane != 5 {
			t.Errorf("effect %d is recorded as %+v", i+1, e)
		}
	}
	if e := events[5]; e.Kind != history.ReadbackEnd || e.Status != history.OK || e.Count != 5 || e.Ref != 8 || e.Lane != 5 {
		t.Errorf("end %+v", e)
	}
}

func TestAReadbackThatFailsSaysSo(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "effects-00009.log"), 0o755); err != nil {
		t.Fatal(err)
	}
	for claim, lane := range map[string]InspectorLane{
		"a file that cannot be read": {Index: 5, Effects: []string{dir}},
		"a ledger that is not there": {Index: 5, Ledger: "127.0.0.1:1", Lane: experiment.Lane{Name: "ledger"}},
	} {
		events, err := inspect(t, lane, nil, "readback", inspection{Lane: 1}, nil)
		if err == nil || len(events) != 1 || events[0].Kind != history.ReadbackEnd || events[0].Status != history.Failed || events[0].Text == "" {
			t.Errorf("%s: %v, recorded %+v", claim, err, events)
		}
	}
}

func TestAnInspectorRefusesWhatItDoesNotKnow(t *testing.T) {
	for op, q := range map[string]inspection{"depth": {Lane: 2}, "scan": {Lane: -1}} {
		if _, err := inspect(t, InspectorLane{}, nil, op, q, nil); err == nil || !strings.Contains(err.Error(), "no lane") {
			t.Errorf("%s of lane %d: %v", op, q.Lane, err)
		}
	}
	if _, err := inspect(t, InspectorLane{}, nil, "pin", inspection{Lane: 1}, nil); !errors.Is(err, errUnknownOrder) {
		t.Errorf("an unknown order: %v", err)
	}
}
