package measure_test

import (
	"cmp"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/semantics"
	"waybill/results/bench"
	"waybill/results/measure"
)

// job measures a lane of one mode within [1000, 2000).
func job(traits semantics.Traits) measure.Job {
	return measure.Job{Lane: experiment.Lane{Mode: semantics.Mode{Traits: traits}}, Window: measure.Window{From: 1000, To: 2000}}
}

var confirms = semantics.Traits{Confirms: true, Acks: true}

func msg(seq uint64) history.Msg { return history.Msg{Life: 2, Seq: seq} }

func sent(at, intended int64, seq uint64, attempt uint32) history.Event {
	return history.Event{Kind: history.Send, Time: at, Intended: intended, Msg: msg(seq), Attempt: attempt}
}

func ended(at int64, seq uint64, attempt uint32, s history.Status) history.Event {
	return history.Event{Kind: history.Outcome, Time: at, Msg: msg(seq), Attempt: attempt, Status: s}
}

func delivery(at int64, seq uint64) history.Event {
	return history.Event{Kind: history.Delivery, Time: at, Msg: msg(seq)}
}

func appliedAt(at int64, seq uint64, s history.Status) history.Event {
	return history.Event{Kind: history.ApplyEnd, Time: at, Msg: msg(seq), Status: s}
}

func figures(t *testing.T, j measure.Job, es ...history.Event) measure.Figures {
	t.Helper()
	f, err := measure.Run(t.Context(), history.Memory(es), j)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// told is what figures say of a stage: how many, how many failed, the shortest and the longest of corrected and uncorrected times.
type told struct{ N, Failed, Short, Long, ShortUncorrected, LongUncorrected int64 }

func of(t *testing.T, f measure.Figures, to string) (x told) {
	t.Helper()
	for _, l := range f.Latency {
		if l.To != to {
			continue
		}
		h := parsed(t, l)
		x.N, x.Failed = h.N(), l.Failed
		if l.Corrected {
			x.Short, x.Long = h.Quantile(0), h.Quantile(1)
		} else {
			x.ShortUncorrected, x.LongUncorrected = h.Quantile(0), h.Quantile(1)
		}
	}
	return x
}

func TestTimesRunFromTheIntendedInstantAndFromTheSend(t *testing.T) {
	f := figures(t, job(confirms), sent(1100, 1040, 1, 1), delivery(1180, 1), ended(1200, 1, 1, history.Acked), appliedAt(1230, 1, history.OK))
	for to, want := range map[string]told{"confirmed": {1, 0, 160, 160, 100, 100}, "delivered": {1, 0, 140, 140, 80, 80}, "applied": {1, 0, 190, 190, 130, 130}} {
		if got := of(t, f, to); got != want {
			t.Errorf("%s: %+v, want %+v", to, got, want)
		}
	}
	if f.Late["p50"] != 60 || f.Late["max"] != 60 {
		t.Errorf("lateness: %v", f.Late)
	}
	if f.Counts != (bench.Counts{Sent: 1, Acked: 1, Applied: 1}) || f.Goodput != 1000 {
		t.Errorf("%+v, goodput %v", f.Counts, f.Goodput)
	}
}

func TestAMessageBelongsToTheWindowByItsIntendedInstant(t *testing.T) {
	f := figures(t, job(confirms),
		sent(1005, 990, 1, 1), ended(1010, 1, 1, history.Acked), delivery(1010, 1), appliedAt(1010, 1, history.OK), // meant to be sent before it
		sent(1999, 1999, 2, 1), ended(2500, 2, 1, history.Acked), delivery(2500, 2), appliedAt(2600, 2, history.OK), // arrives behind it
		sent(2600, 1990, 3, 1), ended(2700, 3, 1, history.Acked), delivery(2700, 3), appliedAt(2700, 3, history.OK), // is sent behind it
		sent(2600, 2000, 4, 1), ended(2800, 4, 1, history.Acked), delivery(2800, 4), appliedAt(2800, 4, history.OK))
	if got, want := of(t, f, "applied"), (told{2, 0, 601, 710, 100, 601}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	// Rates count what happens within it.
	if f.Sent != 2000 || f.Acked != 1000 || f.Goodput != 1000 {
		t.Errorf("sent %v, acked %v, applied %v", f.Sent, f.Acked, f.Goodput)
	}
}

func TestFailuresTakeTheTimeTheyTook(t *testing.T) {
	f := figures(t, job(confirms),
		sent(1100, 1100, 1, 1), ended(1400, 1, 1, history.Unknown), // and never heard of again
		sent(1100, 1100, 2, 1), ended(1300, 2, 1, history.Rejected),
		sent(1100, 1100, 3, 1), ended(1200, 3, 1, history.Acked), delivery(1250, 3), appliedAt(1260, 3, history.OK),
		sent(1100, 1100, 4, 1), ended(1150, 4, 1, history.Acked), // and lost
		history.Event{Kind: history.PhaseEnd, Time: 5000})
	if got, want := of(t, f, "confirmed"), (told{4, 2, 50, 300, 50, 300}); got != want {
		t.Errorf("confirmed: %+v, want %+v", got, want)
	}
	if got := of(t, f, "applied"); got.N != 4 || got.Failed != 3 || got.Short != 160 || math.Abs(float64(got.Long-3900)) > 4 {
		t.Errorf("applied: %+v", got)
	}
	if want := (bench.Counts{Sent: 4, Acked: 2, Unknown: 1, Applied: 1, Lost: 1, Missing: 2}); f.Counts != want {
		t.Errorf("%+v, want %+v", f.Counts, want)
	}
}

func TestARetryIsTheSameMessage(t *testing.T) {
	f := figures(t, job(confirms), sent(1100, 1100, 1, 1), ended(1400, 1, 1, history.Unknown), sent(1500, 1500, 1, 2), delivery(1550, 1), delivery(1560, 1),
		ended(1600, 1, 2, history.Acked), appliedAt(1610, 1, history.OK), appliedAt(1620, 1, history.OK), ended(1900, 1, 1, history.Acked))
	if got, want := of(t, f, "confirmed"), (told{1, 0, 500, 500, 500, 500}); got != want {
		t.Errorf("confirmed: %+v, want %+v", got, want)
	}
	if want := (bench.Counts{Sent: 1, Acked: 1, Applied: 1, Duplicates: 1}); f.Counts != want || f.Goodput != 1000 {
		t.Errorf("%+v, want %+v; goodput %v, of one message applied twice", f.Counts, want, f.Goodput)
	}
}

func TestWithoutConfirmationsThereIsNoTimeToOne(t *testing.T) {
	f := figures(t, job(semantics.Traits{}), sent(1100, 1100, 1, 1), ended(1101, 1, 1, history.Unknown), delivery(1200, 1), appliedAt(1210, 1, history.OK))
	if of(t, f, "confirmed").N != 0 || of(t, f, "delivered").N != 1 {
		t.Errorf("%+v", f.Latency)
	}
	if want := (bench.Counts{Sent: 1, Unknown: 1, Applied: 1}); f.Counts != want {
		t.Errorf("%+v, want %+v", f.Counts, want)
	}
}

func TestAnOutputIsVisibleOnceItsTransactionIsKnownToHaveCommitted(t *testing.T) {
	traits := confirms
	traits.Transactional = true
	in := func(at int64, txn uint64, k history.Kind, s history.Status) history.Event {
		return history.Event{Kind: k, Time: at, Txn: txn, Msg: msg(1), Status: s, Life: 9}
	}
	f := figures(t, job(traits), sent(1100, 1100, 1, 1), ended(1150, 1, 1, history.Acked), delivery(1200, 1),
		in(1300, 1, history.TxnOutcome, history.Aborted), in(1301, 1, history.ApplyEnd, history.Failed),
		delivery(1400, 1), in(1500, 2, history.TxnOutcome, history.OK), in(1540, 2, history.ApplyEnd, history.OK))
	if got, want := of(t, f, "visible"), (told{1, 0, 400, 400, 400, 400}); got != want {
		t.Errorf("visible: %+v, want %+v", got, want)
	}
	if of(t, f, "applied").N != 0 {
		t.Error("an output is applied by becoming visible")
	}
}

func TestAnEffectThatOnlyTheReadbackTellsOfHasArrivedByThen(t *testing.T) {
	f := figures(t, job(confirms), sent(1100, 1100, 1, 1), ended(1150, 1, 1, history.Acked), delivery(1200, 1), appliedAt(1300, 1, history.Unknown),
		history.Event{Kind: history.Readback, Time: 1900, Msg: msg(1), Count: 1})
	if got, want := of(t, f, "applied"), (told{1, 0, 800, 800, 800, 800}); got != want || f.Counts.Applied != 1 || f.Counts.Lost != 0 {
		t.Errorf("%+v, want %+v; %+v", got, want, f.Counts)
	}
}

func TestWhatIsNotTheLanesOrNotAMessageIsLeftOut(t *testing.T) {
	other := delivery(1200, 1)
	other.Lane = 1
	corrupt := appliedAt(1200, 1, history.OK)
	corrupt.Kind, corrupt.Flags, corrupt.Count = history.Readback, history.Corrupt, 1
	f := figures(t, job(confirms), sent(1100, 1100, 1, 1), other, corrupt, delivery(1300, 77))
	if got := of(t, f, "delivered"); got.Failed != 1 || f.Counts.Applied != 0 || f.Counts.Sent != 1 {
		t.Errorf("%+v, %+v", got, f.Counts)
	}
}

func TestConsumersThatComeLaterHaveNoTimes(t *testing.T) {
	j := job(confirms)
	j.Late, j.Load.Flood = true, true
	f := figures(t, j, sent(1100, 1100, 1, 1), ended(1150, 1, 1, history.Acked), delivery(9000, 1), appliedAt(9000, 1, history.OK))
	if of(t, f, "confirmed").N != 1 || of(t, f, "delivered").N != 0 || of(t, f, "applied").N != 0 {
		t.Errorf("%+v", f.Latency)
	}
	if f.Goodput != 1000 || f.Counts.Applied != 1 || f.Late != nil {
		t.Errorf("goodput %v, %+v, late %v", f.Goodput, f.Counts, f.Late)
	}
}

func TestAHistoryThatCannotBeReadIsAnError(t *testing.T) {
	if _, err := measure.Run(t.Context(), history.Memory{delivery(5, 1<<40)}, job(confirms)); !errors.Is(err, measure.ErrHistory) {
		t.Errorf("a sequence out of all bounds: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := measure.Run(ctx, history.Memory{sent(1, 1, 1, 1)}, job(confirms)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// fate is what becomes of a message in a made-up history.
type fate struct {
	intended, sent                int64
	confirmed, delivered, applied int64 // 0: never
	again                         bool  // it is delivered and applied once more
}

// fates is a run in which messages overtake each other, some are lost at each stage, and some arrive twice.
func fates(t *rapid.T) (out []fate) {
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	n, loss := rapid.IntRange(1, 3000).Draw(t, "messages"), rapid.Float64Range(0, 0.3).Draw(t, "loss")
	after := func(at int64) int64 {
		if at == 0 || rng.Float64() < loss {
			return 0
		}
		return at + 1 + int64(math.Exp(rng.Float64()*9))
	}
	for i := range n {
		f := fate{intended: 1 + int64(i)}
		f.sent = f.intended + rng.Int64N(5)
		f.confirmed, f.delivered = after(f.sent), after(f.sent)
		f.applied = after(f.delivered)
		f.again = f.applied > 0 && rng.IntN(20) == 0
		out = append(out, f)
	}
	return out
}

func (f fate) events(seq uint64) (out []history.Event) {
	out = append(out, sent(f.sent, f.intended, seq, 1))
	if f.confirmed > 0 {
		out = append(out, ended(f.confirmed, seq, 1, history.Acked))
	}
	if f.delivered > 0 {
		out = append(out, delivery(f.delivered, seq))
	}
	if f.applied > 0 {
		out = append(out, appliedAt(f.applied, seq, history.OK))
	}
	if f.again {
		out = append(out, delivery(f.applied+50, seq), appliedAt(f.applied+60, seq, history.OK))
	}
	return out
}

// Whatever becomes of the messages, figures are those of keeping all their times and sorting them.
func TestFiguresAreThoseOfKeepingEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := fates(t)
		var es []history.Event
		for i, f := range all {
			es = append(es, f.events(uint64(i+1))...)
		}
		slices.SortStableFunc(es, func(a, b history.Event) int {
			return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(int(a.Kind), int(b.Kind))) // a send before what follows from it
		})
		end := es[len(es)-1].Time
		from := rapid.Int64Range(0, int64(len(all))).Draw(t, "from")
		w := measure.Window{From: from, To: from + 1 + rapid.Int64Range(0, int64(len(all))).Draw(t, "length")}
		j := job(confirms)
		j.Window = w
		got, err := measure.Run(context.Background(), history.Memory(es), j)
		if err != nil {
			t.Fatal(err)
		}
		var want bench.Counts
		goodput := 0.0
		times := map[string][]int64{}
		failed := map[string]int64{}
		for _, f := range all {
			want.Sent++
			for _, s := range []struct {
				to string
				at int64
			}{{"confirmed", f.confirmed}, {"delivered", f.delivered}, {"applied", f.applied}} {
				if f.intended < w.From || f.intended >= w.To {
					continue
				}
				at := s.at
				if at == 0 {
					at = end
					failed[s.to]++
				}
				times[s.to] = append(times[s.to], at-f.intended)
			}
			switch {
			case f.applied > 0:
				want.Applied++
				if f.applied >= w.From && f.applied < w.To {
					goodput++
				}
			case f.confirmed > 0:
				want.Lost++
			case f.delivered == 0:
				want.Missing++
			}
			if f.confirmed > 0 {
				want.Acked++
			}
			if f.again {
				want.Duplicates++
			}
		}
		want.Unknown = want.Sent - want.Acked
		if d := gocmp.Diff(want, got.Counts); d != "" {
			t.Fatal(d)
		}
		if math.Abs(got.Goodput-goodput/w.Seconds()) > 1e-6*got.Goodput {
			t.Fatalf("goodput %v, want %v", got.Goodput, goodput/w.Seconds())
		}
		seen := 0
		for _, l := range got.Latency {
			if !l.Corrected {
				continue
			}
			seen++
			h, exact := parsed(t, l), times[l.To]
			slices.Sort(exact)
			if h.N() != int64(len(exact)) || l.Failed != failed[l.To] {
				t.Fatalf("%s: %d times, %d failed; want %d, %d", l.To, h.N(), l.Failed, len(exact), failed[l.To])
			}
			for _, q := range []float64{0, 0.5, 0.9, 0.99, 0.999, 1} {
				want := exact[max(0, int(math.Ceil(q*float64(len(exact))*(1-1e-12)))-1)]
				if v := h.Quantile(q); math.Abs(float64(v-want)) > 0.01*float64(want) {
					t.Fatalf("%s: quantile %v is %d, and %d of sorted times", l.To, q, v, want)
				}
			}
		}
		if len(times["applied"]) > 0 && seen != 3 {
			t.Fatalf("%d stages", seen)
		}
	})
}
