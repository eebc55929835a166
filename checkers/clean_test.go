package checkers_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waybill/checkers/checkertest"
	"waybill/checkers/naive"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// fate is what becomes of one message in a variant of a clean history.
type fate int

const (
	asItWas fate = iota
	unknownAndThere
	unknownAndGone
	fates
)

// downstream is what is observed of a message behind its producer.
var downstream = []history.Kind{history.Copy, history.Delivery, history.AckCalled, history.AckOutcome, history.ApplyBegin, history.ApplyEnd,
	history.Readback, history.TxnMember}

// vary gives some messages their fates: all their confirmations are lost, and what was sent took effect as it did, or never did.
func vary(events history.Memory, of map[history.Msg]fate) history.Memory {
	var out history.Memory
	for _, e := range events {
		f := of[e.Msg]
		if f == unknownAndGone && slices.Contains(downstream, e.Kind) {
			continue
		}
		if f != asItWas && e.Kind == history.Outcome && e.Status == history.Acked {
			e.Status, e.Reason, e.Origin, e.Flags, e.Pos = history.Unknown, history.Timeout, history.FromTimeout, 0, history.Position{}
		}
		out = append(out, e)
	}
	return out
}

// doubtful picks messages of a history at random: those of unknown outcome come first, and then some whose outcome may become so.
func doubtful(rng *rand.Rand, events history.Memory, n int) []history.Msg {
	acked := map[history.Msg]bool{}
	var msgs []history.Msg
	for _, e := range events {
		switch {
		case e.Kind == history.Send && !slices.Contains(msgs, e.Msg):
			msgs = append(msgs, e.Msg)
		case e.Kind == history.Outcome && e.Status != history.Unknown:
			acked[e.Msg] = acked[e.Msg] || e.Status == history.Acked
		}
	}
	rng.Shuffle(len(msgs), func(i, j int) { msgs[i], msgs[j] = msgs[j], msgs[i] })
	slices.SortStableFunc(msgs[:len(msgs)/2], func(a, b history.Msg) int {
		switch {
		case acked[a] == acked[b]:
			return 0
		case acked[a]:
			return 1
		}
		return -1
	})
	return msgs[:min(n, len(msgs))]
}

func TestNoOutcomeThatIsUnknownAccusesAnybody(t *testing.T) {
	histories := uint64(110)
	if verifying {
		histories = 10_000
	}
	var modes []struct {
		semantics.Mode
		partitions int
	}
	for _, o := range families() {
		for _, m := range append(slices.Clone(o.Modes), checkertest.Modes()[:max(0, 4-4*len(o.Modes))]...) {
			modes = append(modes, struct {
				semantics.Mode
				partitions int
			}{m, o.Partitions})
		}
	}
	audits, messages, found := 0, 0, 0
	for seed := range histories {
		m := modes[seed%uint64(len(modes))]
		h := checkertest.Generate(20_000+seed, checkertest.Options{Modes: []semantics.Mode{m.Mode}, Partitions: m.partitions, Messages: 4})
		in := h.Input()
		w := wrong(audit(t, in))
		if m.Name == checkertest.Unroutable { // a run that promises nothing has nothing to keep
			w = slices.DeleteFunc(w, func(s string) bool { return s == string(semantics.Inconclusive) })
		}
		if len(w) > 0 {
			found++
			t.Errorf("seed %d, %s: %v", seed, m.Name, w)
		}
		audits++
		depth := 2
		if seed%40 == 39 {
			depth = 4
		}
		chosen := doubtful(rand.New(rand.NewPCG(seed, 11)), h.Events, depth)
		messages += len(chosen)
		for _, of := range combinations(chosen) {
			in.Source = vary(h.Events, of)
			audits++
			for _, f := range audit(t, in).Findings {
				if !fine(f) {
					found++
					t.Errorf("seed %d, %s, %v: %+v", seed, m.Name, of, f)
				}
			}
		}
		if found > 10 {
			t.Fatal("and so on")
		}
	}
	t.Logf("%d clean histories, in all %d combinations of the outcomes and effects of %d messages: %d false findings", histories, audits, messages, found)
}

// combinations is every way to give messages their fates.
func combinations(msgs []history.Msg) []map[history.Msg]fate {
	out := []map[history.Msg]fate{{}}
	for _, m := range msgs {
		var more []map[history.Msg]fate
		for _, of := range out {
			for f := range fates {
				with := map[history.Msg]fate{m: f}
				for k, v := range of {
					with[k] = v
				}
				more = append(more, with)
			}
		}
		out = more
	}
	return out[1:] // the first is the history as it was
}

// What may become of a message whose outcome nobody knows.
const (
	absent = iota
	storedOnly
	handled
	storedAgain // twice in the store, handled once
	handledAgain
	states
)

// How it came that nobody knows.
const (
	unanswered = iota // no outcome at all
	timedOut
	triedTwice // and both attempts timed out
	rejectedOnce
	doubts
)

// puzzle is a script in which message i has state[i] after doubt[i], beside two that were acknowledged, one of them before, one behind.
func puzzle(state, doubt []int) *script {
	s := newScript(exactlyOnce())
	s.begin(1, "none")
	var copies, effects []uint64
	handle := func(n uint64) {
		p := int64(slices.Index(copies, n) + 1)
		s.deliver(con, n, p).apply(con, n).ack(con, n, p)
		effects = append(effects, n)
	}
	ordinary := func(n uint64) {
		copies = append(copies, n)
		s.send(n, 1).outcome(n, 1, history.Acked, int64(len(copies)))
		handle(n)
	}
	ordinary(1)
	for i := range state {
		n := uint64(i + 2)
		s.send(n, 1)
		switch doubt[i] {
		case timedOut:
			s.outcome(n, 1, history.Unknown, 0)
		case triedTwice:
			s.outcome(n, 1, history.Unknown, 0).send(n, 2).outcome(n, 2, history.Unknown, 0)
		case rejectedOnce:
			s.outcome(n, 1, history.Rejected, 0).send(n, 2).outcome(n, 2, history.Unknown, 0)
		}
		for range []int{absent: 0, storedOnly: 1, handled: 1, storedAgain: 2, handledAgain: 1}[state[i]] {
			copies = append(copies, n)
		}
		if state[i] >= handled {
			handle(n)
		}
		if state[i] == handledAgain {
			effects = append(effects, n)
		}
	}
	ordinary(uint64(len(state) + 2))
	return s.close(1, copies, effects)
}

func TestAMessageOfUnknownOutcomeMayBeThereOnceOrNotAtAll(t *testing.T) {
	k := 3
	if verifying {
		k = 5
	}
	total, pow := 1, 1
	for range k {
		total *= states
		pow *= doubts
	}
	for n := range total {
		state, doubt := make([]int, k), make([]int, k)
		for i, rest, d := 0, n, (n*31)%pow; i < k; i, rest, d = i+1, rest/states, d/doubts {
			state[i], doubt[i] = rest%states, d%doubts
		}
		in := puzzle(state, doubt).input()
		var twice, again []history.Msg
		for i, s := range state {
			switch s {
			case storedAgain:
				twice = append(twice, msg(uint64(i+2)))
			case handledAgain:
				again = append(again, msg(uint64(i+2)))
			}
		}
		var want []naive.Finding
		if len(again) > 0 {
			want = append(want, naive.Finding{Anomaly: "duplicate effect", Stage: semantics.Applied, Episode: 1, Msgs: again, Count: int64(len(again))})
		}
		if len(twice) > 0 {
			want = append(want, naive.Finding{Anomaly: "duplicate in store", Stage: semantics.Stored, Episode: 1, Msgs: twice, Count: int64(len(twice))})
		}
		if got := told(t, in).Lanes[0].Findings; cmp.Diff(want, got) != "" {
			t.Fatalf("states %v after %v (-want +audit):\n%s", state, doubt, cmp.Diff(want, got))
		}
		if d := disagreement(t, in); d != "" {
			t.Fatalf("states %v after %v (-naive +audit):\n%s", state, doubt, d)
		}
	}
	t.Logf("%d combinations of %d messages of unknown outcome", total, k)
}
