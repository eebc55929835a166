package benchtest

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"waybill/harness/semantics"
	"waybill/results/bench"
	"waybill/results/latency"
)

const (
	bin      = 100_000 // microseconds
	measured = 50      // bins
)

// replicate is one run of an arm: what is shared by its block, its own noise, and what the options ask for.
func replicate(o options, w work, block int, day float64, rng *rand.Rand) bench.Replicate {
	noise := math.Exp(0.012 * rng.NormFloat64())
	rate := w.rate * day * noise
	if by := o.slower[w.Name]; by > 0 {
		rate /= by
	}
	r := bench.Replicate{Arm: w.Name, Block: block, Settled: true}
	if w.Phase == bench.PhaseLatency {
		rate = w.rate * (1 + 0.0005*rng.NormFloat64())
		r.Offered = w.rate
		r.Late = map[string]int{"p50": 18 + rng.IntN(9), "p99": 110 + rng.IntN(90), "max": 700 + rng.IntN(2500)}
		if o.late && w.Name == "nats/jetstream at 90%" {
			rate *= 0.93
			r.Late["p99"], r.Late["max"] = 21_000+rng.IntN(9000), 180_000
		}
	}
	if o.misses && w.Name == "nats/jetstream again" {
		rate *= 1.12
	}
	r.Sent, r.Acked, r.Goodput = rate*1.001, rate, rate*0.9995
	if w.PublishOnly || w.Kind == bench.Rival {
		r.Goodput = r.Acked
	}
	r.CPU = bench.CPU{Clients: 5 * (0.55 + 0.1*rng.Float64()), Brokers: 5 * (0.9 + 0.2*rng.Float64())}
	if w.Kind == bench.Rival {
		r.Output = "made up: 100000 messages confirmed"
		return r
	}
	r.Series = series(rate, w, rng)
	if o.unsettled && w.Name == "kafka/acks-all" && block == 3 {
		r.Settled = false
		r.Trouble = append(r.Trouble, "the rate still rose when the longest warm-up was over")
	}
	total := int64(rate * float64(len(r.Series.Sent)) * bin / 1e6)
	r.Counts = bench.Counts{Sent: total, Acked: total, Applied: total}
	if !w.model.Traits.Confirms {
		r.Counts.Acked, r.Counts.Unknown, r.Acked = 0, total, 0
	}
	if !w.held {
		r.Counts.Applied = 0
		return r
	}
	r.Verdict.Result = semantics.Kept
	if o.struck && w.Name == "kafka/idempotent" && block == 6 {
		r.Verdict = bench.Verdict{Result: semantics.Broken, Why: "messages that were acknowledged are lost", Findings: []string{"lost: vanished, 12 messages, first wb1-5a3e01b2-00004-0000001871"}}
		r.Counts.Lost = 12
		r.Counts.Applied -= 12
	}
	return r
}

// series rises to its rate over a few seconds, then wobbles.
func series(rate float64, w work, rng *rand.Rand) bench.Series {
	from := 22 + rng.IntN(14)
	s := bench.Series{Bin: bin, From: from, To: from + measured}
	delay := 1 + int(w.model.base.Seconds()*10)
	wobble := 0.0
	for i := range from + measured + 4 {
		wobble = 0.6*wobble + 0.02*rng.NormFloat64()
		x := rate * bin / 1e6 * (1 - 0.7*math.Exp(-float64(i)/6)) * (1 + wobble)
		s.Sent = append(s.Sent, int64(x))
	}
	late := func(by int) []int64 {
		return slices.Concat(make([]int64, by), s.Sent[:len(s.Sent)-by])
	}
	if w.model.Traits.Confirms {
		s.Acked = late(1)
	}
	if !w.PublishOnly {
		s.Applied = late(delay)
	}
	return s
}

// kinds is how many histograms there are of an arm's stage, block after block in turn: writing one takes long.
const kinds = 3

// timed is whether a sample has latencies of an arm.
func timed(a bench.Arm) bool { return a.Phase == bench.PhaseLatency || a.Phase == bench.PhaseWindow }

// written are the latencies of every arm that has some, by its name: of each kind they are the same in all samples, and made when the first asks.
var written = [kinds]func() map[string][]bench.Latencies{writing(0), writing(1), writing(2)}

func writing(kind int) func() map[string][]bench.Latencies {
	return sync.OnceValue(func() map[string][]bench.Latencies {
		all := map[string][]bench.Latencies{}
		for _, w := range works() {
			if timed(w.Arm) {
				all[w.Name] = latencies(w, kind)
			}
		}
		return all
	})
}

// latencies are log-normal, wider and longer with the load, and longer at each stage.
func latencies(w work, kind int) (out []bench.Latencies) {
	load := w.Share
	if load == 0 {
		load = 0.97
	}
	n := int64(w.rate * measured * bin / 1e6)
	wait := (1 + 0.03*float64(kind)) / (1 - 0.9*load)
	stages := []struct {
		to     string
		factor float64
	}{{"confirmed", 1}, {"delivered", 1.5}, {"applied", 1.9}}
	if w.model.Traits.Transactional {
		stages[2].to = "visible"
	}
	for _, s := range stages {
		if s.to == "confirmed" && !w.model.Traits.Confirms {
			continue
		}
		for _, corrected := range []bool{true, false} {
			typical := float64(w.model.base.Microseconds()) * s.factor * wait
			if w.Phase == bench.PhaseWindow {
				typical *= 1 + float64(w.Window)/1500
			}
			queue := 0.0
			if corrected {
				queue = 40 + typical*0.2*load*load
			}
			out = append(out, bench.Latencies{To: s.to, Corrected: corrected, Histogram: spread(typical+queue, 0.35+0.45*load, n).String()})
		}
	}
	return out
}

// spread counts n times with a log-normal distribution.
func spread(median, sigma float64, n int64) *latency.Histogram {
	h := latency.New()
	const steps = 400
	left := n
	for i := range steps {
		// Each step stands for as many as are left among those that remain, so that they sum to n.
		share := left / int64(steps-i)
		left -= share
		p := (float64(i) + 0.5) / steps
		h.RecordMany(int64(median*math.Exp(sigma*math.Sqrt2*math.Erfinv(2*p-1))), share)
	}
	// A few are far out, as they always are.
	for i := range 8 {
		h.Record(int64(median * math.Exp(sigma*(3+0.35*float64(i)))))
	}
	return h
}
