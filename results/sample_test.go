package results

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// A run as it might have been: four lanes, six faults, one promise broken, one cell inconclusive.

const second = int64(time.Second / time.Microsecond)

const sampleOrigin = 7_000_000 * second / 1000

var sampleFaults = []struct {
	name, victims, plan string
	length              int64
}{
	{"kill-consumer", "host c-jetstream-1 (life 14)", "one consumer of each lane, once it holds at least 8 unacknowledged deliveries", 2 * second},
	{"pause-consumer", "host c-jetstream-0 (life 13)", "one consumer of each lane, for twice the ack wait, once it holds a delivery", 5 * second},
	{"kill-leader", "n2, leader of stream wb-jetstream", "the leader of a lane's queue, once a send is in flight", 3 * second},
	{"isolate-leader", "n1, leader of stream wb-jetstream-dedup", "the leader of a lane's queue, broker links only; one producer and one consumer stay pinned to it", 9 * second},
	{"lose-confirms", "n1, n2, n3 → producers", "everything brokers send to producers, longer than the confirm timeout", 4 * second},
	{"kill-all", "n1, n2, n3", "every broker at once, started again together", 3 * second},
}

func sampleModes() []semantics.Mode {
	src := semantics.Source{
		Quote: "Publishing to JetStream waits for an acknowledgement that the message was stored.",
		URL:   "https://docs.example.test/nats/jetstream", Version: "2.15",
	}
	none := semantics.Source{Quote: "Core NATS offers an at-most-once quality of service.", URL: "https://docs.example.test/nats/core", Version: "2.15"}
	p := func(s semantics.Stage, g semantics.Guarantee, scope string) semantics.Promise {
		return semantics.Promise{Stage: s, Guarantee: g, Scope: scope, Source: src}
	}
	return []semantics.Mode{
		{Name: "core", Profile: "r3", Summary: "plain subjects, nothing stored", Promises: []semantics.Promise{{Stage: semantics.Applied, Guarantee: semantics.AtMostOnce, Source: none}}},
		{Name: "jetstream", Profile: "r3", Summary: "publish acknowledged, retried while unknown; acknowledged after applying", Promises: []semantics.Promise{
			p(semantics.Stored, semantics.AtLeastOnce, ""), p(semantics.Applied, semantics.AtLeastOnce, "")}},
		{Name: "jetstream-dedup", Profile: "r3", Summary: "with Nats-Msg-Id within an explicit window", Promises: []semantics.Promise{
			p(semantics.Stored, semantics.ExactlyOnce, "message id, duplicate window 2 min"), p(semantics.Applied, semantics.AtLeastOnce, "")}},
		{Name: "jetstream-ledger", Profile: "r3", Summary: "the same, with an idempotent consumer", Promises: []semantics.Promise{
			p(semantics.Stored, semantics.ExactlyOnce, "message id, duplicate window 2 min"), p(semantics.Applied, semantics.ExactlyOnce, "message id in the effect's ledger")}},
	}
}

func sampleExperiment() experiment.Experiment {
	e := experiment.Experiment{
		Run: "k3x9q2ab", Target: "nats", Profile: "r3", Version: "2.15.2", Seed: 42, Nodes: 3,
		Load: experiment.Load{Rate: 100, Burst: 4, Size: 256, Keys: 16, Processing: 2 * time.Millisecond, Batch: 16,
			Confirm: 2 * time.Second, Doubts: 0.01, Withhold: 0.01},
		Limits: experiment.Limits{Start: 30 * time.Second, Trigger: 5 * time.Second, Heal: 20 * time.Second, Settle: 3 * time.Second,
			Quiesce: 5 * time.Second, Drain: 20 * time.Second},
		Settings: map[string]string{"ack wait": "2s (default 30s)", "duplicate window": "2m0s (default 2m0s)", "max deliver": "-1 (default -1)",
			"sync interval": "2m0s (default 2m0s)", "retention": "limits (default limits)"},
	}
	for _, m := range sampleModes() {
		e.Lanes = append(e.Lanes, experiment.Lane{Name: m.Name, Queue: "wb-" + m.Name, Mode: m, Producers: 2, Consumers: 3})
	}
	return e
}

func sampleSchedule() experiment.Schedule {
	var s experiment.Schedule
	for i, f := range sampleFaults {
		s.Episodes = append(s.Episodes, experiment.Episode{Number: i + 1, Fault: f.name, Seed: uint64(1000 + i), Calm: 3 * time.Second,
			Length: time.Duration(f.length) * time.Microsecond, Plan: f.plan, Spared: sampleSpared(f.name)})
	}
	s.LeftOut = []string{"cut-clients", "pause-broker"}
	return s
}

func sampleSpared(fault string) map[string]string {
	switch fault {
	case "lose-confirms":
		return map[string]string{"core/applied": "core asks for no confirmations"}
	case "kill-leader", "isolate-leader":
		return map[string]string{"core/applied": "core has no queue and so no leader"}
	}
	return nil
}

func sampleManifest() Manifest {
	return Manifest{
		Schema: ManifestSchema, Waybill: "v0.1.0", Go: "go1.26.8", Revision: "0123456789abcdef0123456789abcdef01234567",
		Modules: map[string]string{"github.com/nats-io/nats-server/v2": "v2.15.2", "github.com/nats-io/nats.go": "v1.55.0"},
		Target:  "nats", Version: "2.15.2", Seed: 42, Command: []string{"bin/waybill", "test", "--target", "nats"},
		Host:    Host{OS: "linux", Arch: "amd64", Kernel: "6.18.0", CPU: "Example CPU @ 2.50GHz", Cores: 2, Memory: 8 << 30},
		TCP:     map[string]string{"tcp_retries2": "15", "tcp_rto_max_ms": "120000"},
		Started: time.Date(2026, 11, 21, 8, 15, 0, 0, time.UTC), Ended: time.Date(2026, 11, 21, 8, 17, 6, 0, time.UTC),
	}
}

// sampleEpisodes lays the episodes out one after the other.
func sampleEpisodes() []semantics.Episode {
	var es []semantics.Episode
	at := sampleOrigin + 2*second
	for i, f := range sampleFaults {
		e := semantics.Episode{Number: i + 1, Fault: f.name, Victims: f.victims, Begin: at, Strikes: 1, Bit: true, Healed: true,
			Liveness: map[string]semantics.Result{}, LiveWhy: map[string]string{}}
		e.Strike = at + 3*second
		e.Recover = e.Strike + f.length
		e.Verified = e.Recover + second + int64(i)*second/2
		e.End = e.Verified + 6*second
		for _, m := range sampleModes() {
			e.Liveness[m.Name] = semantics.Kept
			e.LiveWhy[m.Name] = fmt.Sprintf("acked and delivered %d ms after recovery, drained in 1.2 s", 180+110*i)
		}
		es = append(es, e)
		at = e.End
	}
	return es
}

func sampleVerdict() semantics.Verdict {
	v := semantics.Verdict{
		Schema: semantics.VerdictSchema, Run: "k3x9q2ab", Target: "nats", Profile: "r3", Seed: 42,
		Result: semantics.Broken, ExitCode: 1, Segments: 41, Events: 214_377, Episodes: sampleEpisodes(),
		Assumptions: []semantics.Assumption{
			{Name: "recorder whole", Held: true, Why: "41 segments, all sealed or ended by a planned kill"},
			{Name: "clock", Held: true, Why: "widest bracket 412 ns"},
			{Name: "heal verified", Held: true, Why: "6 of 6 episodes"},
			{Name: "no process ended or stopped but by the schedule", Held: true},
			{Name: "machine not starved", Held: false, Why: "a heartbeat of host p-core-0 was 1.4 s late in episode 4"},
			{Name: "effect store readable", Held: true},
		},
	}
	tokens := []string{
		history.Token("k3x9q2ab", history.Msg{Life: 7, Seq: 5121}, 0x1f00aa31),
		history.Token("k3x9q2ab", history.Msg{Life: 7, Seq: 5122}, 0x77aa0102),
		history.Token("k3x9q2ab", history.Msg{Life: 8, Seq: 4988}, 0x00c0ffee),
		history.Token("k3x9q2ab", history.Msg{Life: 8, Seq: 4990}, 0xdeadbeef),
	}
	v.Findings = []semantics.Finding{
		{ID: 1, Lane: "jetstream-dedup", Anomaly: "duplicate in store", Stage: semantics.Stored, Episode: 6, Count: 4, Tokens: tokens, Breaks: true,
			Detail: "attempts 1 and 2 lie at sequences 5,811 and 6,020 of one stream, 21 s apart: inside the duplicate window of 2 min"},
		{ID: 2, Lane: "jetstream", Anomaly: "duplicate in store", Stage: semantics.Stored, Episode: 5, Count: 187, Tokens: tokens[:2]},
		{ID: 3, Lane: "core", Anomaly: "missing", Stage: semantics.Applied, Episode: 1, Count: 613, Tokens: tokens[2:3]},
	}
	for li, m := range sampleModes() {
		l := semantics.Lane{Name: m.Name, Mode: m.Name, Ledger: sampleLedger(li)}
		for _, e := range v.Episodes {
			for _, p := range m.Promises {
				l.Cells = append(l.Cells, sampleCell(m, p, e))
			}
		}
		v.Lanes = append(v.Lanes, l)
	}
	return v
}

func sampleLedger(lane int) semantics.Ledger {
	return []semantics.Ledger{
		{Sent: 9_412, Attempts: 9_412, Unknown: 9_412, Delivered: 8_799, Applied: 8_799, Missing: 613},
		{Sent: 9_401, Attempts: 9_688, Acked: 9_395, Rejected: 2, Unknown: 4, Observable: true, Stored: 9_398, StoredTwice: 187, Delivered: 9_398,
			Redeliveries: 412, Applied: 9_398, AckedApplied: 9_395, AppliedTwice: 96, Missing: 1},
		{Sent: 9_407, Attempts: 9_702, Acked: 9_404, Rejected: 1, Unknown: 2, Observable: true, Stored: 9_405, StoredTwice: 4, Delivered: 9_405,
			Redeliveries: 398, Applied: 9_405, AckedApplied: 9_404, AppliedTwice: 88, DedupStore: 271, Missing: 1},
		{Sent: 9_399, Attempts: 9_690, Acked: 9_397, Unknown: 2, Observable: true, Stored: 9_397, Delivered: 9_397, Redeliveries: 405, Applied: 9_397,
			AckedApplied: 9_397, DedupStore: 266, DedupEffect: 203, Missing: 2},
	}[lane]
}

func sampleCell(m semantics.Mode, p semantics.Promise, e semantics.Episode) semantics.Cell {
	c := semantics.Cell{Episode: e.Number, Fault: e.Fault, Stage: p.Stage, Guarantee: p.Guarantee, Result: semantics.Kept, N: 1, Bound: 0.95,
		Exposure: []semantics.Exposure{{What: "sends unresolved at the strike", Seen: int64(3 + e.Number), Need: 1}, {What: "acked sends", Seen: 1400, Need: 1}},
		Counts:   map[string]int64{}}
	if why, spared := sampleSpared(e.Fault)[experiment.SparedKey(m.Name, p.Stage)]; spared {
		return semantics.Cell{Episode: e.Number, Fault: e.Fault, Stage: p.Stage, Guarantee: p.Guarantee, Result: semantics.NotAffected, Why: why}
	}
	switch {
	case m.Name == "core":
		c.Exposure = []semantics.Exposure{{What: "messages in flight at the strike", Seen: 12, Need: 1}}
		c.Counts["missing"] = int64(90 + e.Number)
	case p.Stage == semantics.Applied:
		c.Exposure = []semantics.Exposure{{What: "deliveries held unacknowledged by a life that ended, seen again elsewhere", Seen: 11, Need: 1}}
		c.Counts["redeliveries"] = int64(20 * e.Number)
		if p.Guarantee == semantics.ExactlyOnce {
			c.Counts["dedup hits"] = int64(17 * e.Number)
		}
	case p.Guarantee == semantics.ExactlyOnce:
		c.Counts["dedup hits"] = int64(30 + e.Number)
	case e.Fault == "lose-confirms":
		c.Counts["stored twice"] = 187
	}
	if m.Name == "jetstream-dedup" && p.Stage == semantics.Stored && e.Fault == "kill-all" {
		c.Result, c.Findings, c.Bound = semantics.Broken, []int{1}, 0
		c.Counts["stored twice"] = 4
	}
	if m.Name == "jetstream-ledger" && p.Stage == semantics.Applied && e.Fault == "isolate-leader" {
		c.Result, c.N, c.Bound = semantics.Inconclusive, 0, 0
		c.Why = "not exercised: no dedup hit in the window"
		c.Exposure = []semantics.Exposure{{What: "dedup hits", Seen: 0, Need: 1}, {What: "new leader epoch in the window", Seen: 1, Need: 1}}
		c.Counts = map[string]int64{"redeliveries": 0}
	}
	if m.Name == "jetstream" && p.Stage == semantics.Applied && e.Fault == "kill-all" {
		c.Result, c.Bound = semantics.Observed, 0
		c.Why = "the vendor makes no promise when every replica stops at once"
	}
	return c
}

// sampleHistory is load at a set rate that stalls and catches up as the faults would have it.
func sampleHistory() history.Memory {
	rnd := rand.New(rand.NewPCG(1, 2))
	h := history.Memory{{Time: sampleOrigin, Kind: history.PhaseBegin, Name: "load"}}
	episodes := sampleEpisodes()
	for _, e := range episodes {
		ref := uint64(e.Number)
		h = append(h,
			history.Event{Time: e.Begin, Kind: history.EpisodeBegin, Ref: ref, Name: e.Fault},
			history.Event{Time: e.Strike, Kind: history.FaultInject, Ref: ref, Name: e.Fault},
			history.Event{Time: e.Recover, Kind: history.FaultRecover, Ref: ref},
			history.Event{Time: e.Verified, Kind: history.FaultVerified, Ref: ref, Status: history.OK},
			history.Event{Time: e.Verified + 3*second, Kind: history.CheckpointBegin, Ref: ref},
			history.Event{Time: e.End - second/2, Kind: history.CheckpointEnd, Ref: ref, Status: history.OK},
			history.Event{Time: e.End, Kind: history.EpisodeEnd, Ref: ref})
	}
	end := episodes[len(episodes)-1].End
	for lane := range uint32(4) {
		seq := uint64(0)
		for at := sampleOrigin + second; at < end-second; at += second / 60 {
			if quiet(episodes, at) {
				continue
			}
			seq++
			m := history.Msg{Life: history.Life(lane + 1), Seq: seq}
			h = append(h, history.Event{Time: at + 40, Kind: history.Send, Lane: lane, Msg: m, Attempt: 1, Intended: at})
			done := at + 1500 + int64(rnd.ExpFloat64()*900) + stall(episodes, at, lane, rnd)
			if lane == 0 {
				h = append(h, history.Event{Time: at + 41, Kind: history.Outcome, Lane: lane, Msg: m, Attempt: 1, Status: history.Unknown, Reason: history.NoConfirmation})
				if done-at > second {
					continue // nothing waits in core: what a fault delays is missing
				}
			} else {
				h = append(h, history.Event{Time: done, Kind: history.Outcome, Lane: lane, Msg: m, Attempt: 1, Status: history.Acked})
			}
			applied := done + 2500 + int64(rnd.ExpFloat64()*1500)
			h = append(h, history.Event{Time: applied, Kind: history.Delivery, Lane: lane, Msg: m},
				history.Event{Time: applied + 2100, Kind: history.ApplyEnd, Lane: lane, Msg: m, Status: history.OK})
		}
	}
	slices.SortStableFunc(h, func(a, b history.Event) int { return cmp.Compare(a.Time, b.Time) })
	return h
}

func quiet(es []semantics.Episode, at int64) bool {
	for _, e := range es {
		if at > e.Verified+5*second/2 && at < e.End-second/3 {
			return true
		}
	}
	return false
}

// stall is how long a fault that is on holds a message back.
func stall(es []semantics.Episode, at int64, lane uint32, rnd *rand.Rand) int64 {
	for _, e := range es {
		if at < e.Strike || at > e.Recover+second/2 {
			continue
		}
		switch e.Fault {
		case "kill-consumer", "pause-consumer":
			if rnd.IntN(3) == 0 {
				return int64(math.Min(2e6, 1e5+rnd.ExpFloat64()*8e5))
			}
		default:
			if lane > 0 || e.Fault == "kill-all" {
				return e.Recover + second - at + int64(rnd.IntN(300_000))
			}
		}
	}
	return 0
}

var readSample = sync.OnceValues(func() (Timeline, error) { return ReadTimeline(sampleHistory(), sampleExperiment()) })

// sampleTimeline is a copy whose names the caller may change.
func sampleTimeline(t testing.TB) Timeline {
	tl, err := readSample()
	if err != nil {
		t.Fatal(err)
	}
	tl.Lanes, tl.Episodes = slices.Clone(tl.Lanes), slices.Clone(tl.Episodes)
	return tl
}
