package cli

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/semantics"
	"waybill/results"
	"waybill/results/story"
)

// lostOne is a run of one lane in which one of two acknowledged messages is lost in an episode of kill-broker.
func lostOne(t *testing.T) results.Dir {
	t.Helper()
	d, err := results.NewDir(t.TempDir(), "nats", time.Now(), 7)
	if err != nil {
		t.Fatal(err)
	}
	mode := semantics.Mode{Name: "stream", Traits: semantics.Traits{Confirms: true, Acks: true, Scannable: true}, Promises: []semantics.Promise{
		{Stage: semantics.Applied, Guarantee: semantics.AtLeastOnce, Source: semantics.Source{Quote: "Nothing is lost.", URL: "https://docs.example.test", Version: "1"}}}}
	err = errors.Join(
		d.SaveExperiment(experiment.Experiment{Run: "testtest", Target: "nats", Lanes: []experiment.Lane{{Name: "stream", Mode: mode, Producers: 1, Consumers: 1}}}),
		d.SaveSchedule(experiment.Schedule{Episodes: []experiment.Episode{{Number: 1, Fault: "kill-broker"}}}),
		d.SaveManifest(results.NewManifest(7, []string{"waybill", "test"}, time.Now())))
	if err != nil {
		t.Fatal(err)
	}
	r, err := history.Create(filepath.Join(d.History(), "1.seg"), history.Header{Run: "testtest", Life: 1, Role: "test"})
	if err != nil {
		t.Fatal(err)
	}
	one, two := history.Msg{Life: 1, Seq: 1}, history.Msg{Life: 1, Seq: 2}
	at := func(offset int64) history.Position { return history.Position{Offset: offset} }
	now := history.CeilTicks(history.Clock()) + history.TicksPerSecond
	for _, e := range []history.Event{
		{Kind: history.LifeStart, Other: 1, Name: "everybody", Text: "producer"},
		{Kind: history.EpisodeBegin, Ref: 1, Name: "kill-broker"},
		{Kind: history.Leader, Name: "n2", Text: "queue"},
		{Kind: history.Send, Msg: one, Attempt: 1}, {Kind: history.Outcome, Msg: one, Attempt: 1, Status: history.Acked, Origin: history.FromBroker, Pos: at(1)},
		{Kind: history.Send, Msg: two, Attempt: 1}, {Kind: history.Outcome, Msg: two, Attempt: 1, Status: history.Acked, Origin: history.FromBroker, Pos: at(2)},
		{Kind: history.FaultInject, Ref: 1, Name: "kill-broker", Text: "n2"}, {Kind: history.FaultVictim, Ref: 1, Name: "n2"},
		{Kind: history.FaultInjected, Ref: 1}, {Kind: history.FaultRecover, Ref: 1}, {Kind: history.FaultVerified, Ref: 1, Status: history.OK},
		{Kind: history.Delivery, Msg: one, Attempt: 1, Pos: at(1)}, {Kind: history.ApplyBegin, Msg: one, Pos: at(1)},
		{Kind: history.ApplyEnd, Msg: one, Pos: at(1), Status: history.OK}, {Kind: history.AckCalled, Msg: one, Pos: at(1)},
		{Kind: history.ScanBegin, Ref: 1, Tag: 1, Name: "n1", From: 1, To: 2}, {Kind: history.Copy, Tag: 1, Msg: one, Pos: at(1)},
		{Kind: history.ScanEnd, Ref: 1, Tag: 1, Name: "n1", Status: history.OK, Count: 1, From: 1, To: 2},
		{Kind: history.Readback, Ref: 1, Msg: one, Count: 1}, {Kind: history.ReadbackEnd, Ref: 1, Count: 1, Status: history.OK},
		{Kind: history.CheckpointEnd, Ref: 1, Status: history.OK}, {Kind: history.EpisodeEnd, Ref: 1},
	} {
		now += 1000
		e.Time = now
		if err := r.Record(&e); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestExplain(t *testing.T) {
	d := lostOne(t)
	for _, c := range []struct {
		claim string
		args  []string
		code  int
		out   []string
		err   string
	}{
		{"a run: its causes, and how to go on", nil, ExitKept, []string{"#1 stream · lost: vanished ×1 · episode 1, kill-broker",
			"1 acked by n2 1.00 ms before it was struck: the last message of partition 0: 2.", "waybill explain " + string(d) + " 1"}, ""},
		{"a finding: its cause and its first message", []string{"1"}, ExitKept, []string{"1 acked by n2", "wb1-testtest-00001-0000000002", "“Nothing is lost.”",
			"does not find it, though it reads positions 1 to 2 of partition 0", "STRIKES: n2"}, ""},
		{"a message", []string{"wb1-testtest-00001-0000000002"}, ExitKept, []string{"#1 lost: vanished: breaks the promise"}, ""},
		{"one with its checksum, and nothing wrong with it", []string{"wb1-testtest-00001-0000000001-0a1b2c3d"}, ExitKept, []string{"Nothing is wrong with it"}, ""},
		{"a finding that there is not", []string{"2"}, ExitUsage, nil, "run testtest has no finding 2: want 1"},
		{"a message that there is not", []string{"wb1-testtest-00001-0000000003"}, ExitUsage, nil, "no event of run testtest concerns wb1-testtest-00001-0000000003"},
		{"a token of another run", []string{"wb1-othertst-00001-0000000001"}, ExitUsage, nil, "a token of another run: this one is testtest"},
		{"half a token", []string{"wb1-testtest-00001"}, ExitUsage, nil, "fits more than one message"},
		{"no token", []string{"first"}, ExitUsage, nil, "not a token"},
	} {
		var out, errOut strings.Builder
		code := Main(append([]string{"explain", string(d)}, c.args...), &out, &errOut)
		if code != c.code || !strings.Contains(errOut.String(), c.err) || c.err == "" && errOut.Len() > 0 {
			t.Errorf("%s: exit code %d, want %d; stderr %q, want %q", c.claim, code, c.code, errOut.String(), c.err)
		}
		for _, want := range c.out {
			if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), want) { // however the lines were broken
				t.Errorf("%s: lacks %q:\n%s", c.claim, want, out.String())
			}
		}
	}
}

func TestExplainInJSON(t *testing.T) {
	var out, errOut strings.Builder
	if code := Main([]string{"explain", string(lostOne(t)), "1", "--json"}, &out, &errOut); code != ExitKept {
		t.Fatalf("exit code %d: %s", code, errOut.String())
	}
	var told story.Telling
	if err := json.Unmarshal([]byte(out.String()), &told); err != nil {
		t.Fatal(err)
	}
	if len(told.Causes) != 1 || told.Causes[0].Causes[0].Shape != story.Tail || len(told.Stories) != 1 || len(told.Stories[0].Findings) != 1 {
		t.Errorf("%+v", told)
	}
}
