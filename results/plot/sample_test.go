package plot

import (
	"fmt"
	"math"
	"math/rand/v2"

	"waybill/harness/semantics"
	"waybill/results/bench"
)

// A benchmark as it might have been, made of formulas. It is not statistics: intervals are drawn about what they should be about.

type sampleMode struct {
	name, guarantee, sync string
	rate                  float64
	survives              int // how many of the four kinds of crash
	st                    standing
}

var natsModes = []sampleMode{
	{"core", "applied at most once", "", 412_000, 0, held},
	{"jetstream", "stored at least once, applied at least once", "every 2m", 131_000, 3, held},
	{"jetstream-dedup", "stored exactly once, applied at least once", "every 2m", 118_000, 3, untested},
	{"jetstream-ledger", "stored exactly once, applied exactly once", "every 2m", 61_000, 3, broke},
	{"jetstream-sync", "stored at least once, applied at least once", "always", 1_450, 4, held},
}

var kafkaModes = []sampleMode{
	{"acks-0", "applied at most once", "never", 690_000, 0, held},
	{"acks-1", "stored by the leader", "never", 512_000, 1, broke},
	{"acks-all", "stored at least once, applied at least once", "never", 301_000, 2, held},
	{"idempotent", "stored exactly once in a session, applied at least once", "never", 297_000, 2, held},
	{"autocommit-early", "stored at least once, applied at most once", "never", 310_000, 1, untested},
	{"transactional", "stored exactly once, applied exactly once", "never", 143_000, 2, held},
	{"ledger", "stored at least once, applied exactly once", "never", 58_000, 3, held},
	{"acks-all-fsync", "stored at least once, applied at least once", "always", 3_900, 4, held},
}

type sampleTarget struct {
	name, title, version string
	modes                []sampleMode
}

var oneTarget = []sampleTarget{{"nats", "NATS", "2.15.2", natsModes}}

var twoTargets = append(oneTarget, sampleTarget{"kafka", "Apache Kafka", "4.3.1", kafkaModes})

// manyModes are fourteen with long names, whose rates are seven orders of magnitude apart.
func manyModes() []sampleMode {
	var ms []sampleMode
	for i := range 14 {
		ms = append(ms, sampleMode{fmt.Sprintf("an-uncommonly-long-name-of-a-mode-%d", i+1), "stored exactly once within a session that nobody interrupts, applied at least once, in order of keys",
			"every 1000 messages or 500ms", 2e7 / math.Pow(3.4, float64(i)), i % 5, standing(i % 3)})
	}
	return ms
}

// around is an interval about a value; with n below six it is a range.
func around(v, spread float64, n int) bench.Interval {
	return bench.Interval{N: n, Estimate: v, Low: v * (1 - spread), High: v * (1 + spread), Enough: n >= 6}
}

func sampleSummary(targets []sampleTarget, n int) (bench.Summary, []bench.Replicate) {
	r := rand.New(rand.NewPCG(1, 2))
	s := bench.Summary{Plan: bench.Plan{Blocks: n, Quick: n < 6}}
	var reps []bench.Replicate
	for _, t := range targets {
		pt := bench.Target{Name: t.name, Title: t.title, Version: t.version, Nodes: 3}
		var first bench.Arm
		for i, m := range t.modes {
			pt.Modes = append(pt.Modes, semantics.Mode{Name: m.name})
			arm := bench.Arm{Name: t.name + "/" + m.name, Phase: bench.PhaseSaturation, Kind: bench.Audited, Target: t.name, Mode: m.name, Window: 1024, Size: 256}
			mark := bench.Mark{Held: m.st == held, Broken: m.st == broke, Tested: 4}
			l := bench.Level{Arm: arm, Goodput: around(m.rate, 0.04, n), Mark: mark, Struck: m.st == broke && i%2 == 1, Hatched: m.rate > 400_000}
			l.Place = bench.Placement{Guarantee: m.guarantee, Sync: m.sync}
			for k, w := range survivals {
				l.Place.Survives = append(l.Place.Survives, bench.Survive{What: w[0] + " " + w[1], Does: k < m.survives})
			}
			for b := range n {
				v := m.rate * (1 + 0.05*r.NormFloat64())
				l.Runs = append(l.Runs, v)
				reps = append(reps, sampleReplicate(arm, b+1, v, r))
			}
			s.Levels = append(s.Levels, l)
			if i == 0 {
				first = arm
			} else {
				q := m.rate / t.modes[0].rate
				s.Ratios = append(s.Ratios, bench.Ratio{About: bench.OfModes, Name: m.name + " / " + t.modes[0].name, Over: arm.Name, Under: first.Name,
					Ratio: around(q, 0.05, n), Claims: math.Abs(q-1) > 0.06, Struck: l.Struck})
			}
			for _, share := range []float64{0.1, 0.25, 0.5, 0.75, 0.9} {
				s.Loads = append(s.Loads, sampleLoad(arm, share, m, mark, n))
			}
			s.Curves = append(s.Curves, sampleCurve(arm, m, n))
		}
		s.Plan.Targets = append(s.Plan.Targets, pt)
		s.Ratios = append(s.Ratios, harnessRatios(t, n)...)
		s.Smallest = append(s.Smallest, bench.Noise{Target: t.name, Pairs: 3, Smallest: 0.031})
	}
	for i := range s.Ratios {
		s.Ratios[i].Noise = 0.031
	}
	s.Ceiling = &bench.Ceiling{Plain: around(3.2e6, 0.02, n), Batched: around(5.4e6, 0.02, n)}
	return s, reps
}

func sampleReplicate(arm bench.Arm, block int, rate float64, r *rand.Rand) bench.Replicate {
	q := bench.Replicate{Arm: arm.Name, Block: block, Goodput: rate, Acked: rate, Sent: rate, Settled: true,
		Series: bench.Series{Bin: 100_000, From: 12, To: 92}, Verdict: bench.Verdict{Result: semantics.Kept}}
	for i := range 96 {
		warm := min(1, 0.2+float64(i)/14)
		q.Series.Acked = append(q.Series.Acked, int64(rate/10*warm*(1+0.06*r.NormFloat64())))
		q.Series.Applied = append(q.Series.Applied, int64(rate/10*warm*(1+0.05*r.NormFloat64())))
	}
	return q
}

func sampleLoad(arm bench.Arm, share float64, m sampleMode, mark bench.Mark, n int) bench.Load {
	arm.Name, arm.Phase, arm.Share = fmt.Sprintf("%s at %g%%", arm.Name, share*100), bench.PhaseLatency, share
	l := bench.Load{Arm: arm, Offered: m.rate * share, Mark: mark, Goodput: around(m.rate*share, 0.01, n), Struck: mark.Broken}
	for _, corrected := range []bool{true, false} {
		base := 4e7 / m.rate * (1 + 0.5*share/(1.02-share))
		st := bench.StageLatency{To: "applied", Corrected: corrected, PerRun: map[string]bench.Interval{}, N: 1e6}
		for i := range 60 {
			q := 1 - math.Pow(10, -float64(i)/12)
			v := base * (1 + 0.8*math.Pow(float64(i)/12, 1.7))
			if !corrected && i > 20 {
				v *= 0.75
			}
			st.Merged = append(st.Merged, bench.Quantile{At: q, Value: int64(v)})
		}
		for name, f := range map[string]float64{"p50": 1, "p99": 3.6, "p999": 7} {
			st.PerRun[name] = around(base*f, 0.1, n)
		}
		l.Stages = append(l.Stages, st)
	}
	return l
}

func sampleCurve(arm bench.Arm, m sampleMode, n int) bench.Curve {
	c := bench.Curve{Target: arm.Target, Mode: m.name, Over: "window"}
	for i, w := range []int{16, 64, 256, 1024, 4096} {
		rate := m.rate * (1 - math.Exp(-float64(w)/180))
		p99 := 900 + float64(w)/m.rate*3e6 + 8e7/m.rate
		c.Points = append(c.Points, bench.Point{Arm: arm, Value: w, Goodput: around(rate, 0.03, n), P50: around(p99/3, 0.06, n), P99: around(p99, 0.08, n),
			Front: i != 4, Struck: m.st == broke && i == 2})
	}
	return c
}

func harnessRatios(t sampleTarget, n int) []bench.Ratio {
	if len(t.modes) < 2 {
		return nil
	}
	var rs []bench.Ratio
	arm := t.name + "/" + t.modes[1].name
	for i, kind := range []string{"unaudited", "bare", "own tool"} {
		q := []float64{0.985, 0.972, 2.4}[i]
		rs = append(rs, bench.Ratio{About: bench.OfHarness, Name: t.modes[1].name + ": audited / " + kind, Over: arm, Under: arm + " " + kind,
			Ratio: around(q, 0.02, n), Goal: &bench.Goal{Median: []float64{0.97, 0.97, 1}[i], Low: []float64{0.95, 0.95, 0}[i], Met: i != 1}})
	}
	for i := range 2 {
		rs = append(rs, bench.Ratio{About: bench.OfItself, Name: t.modes[i].name + " / again", Over: arm, Under: arm + " again", Ratio: around(1.004-0.02*float64(i), 0.03, n)})
	}
	return rs
}

var sampleFaults = []string{"kill-consumer", "pause-consumer", "kill-broker", "kill-leader", "isolate-leader", "lose-confirms", "lose-acks", "partition-ring",
	"kill-all", "power-failure:of=one", "power-failure:of=all"}

func sampleVerdicts(targets []sampleTarget) []semantics.Verdict {
	var vs []semantics.Verdict
	for ti, t := range targets {
		v := semantics.Verdict{Target: t.name, Seed: 42}
		for mi, m := range t.modes {
			l := semantics.Lane{Name: m.name, Mode: m.name}
			for fi, f := range sampleFaults {
				for _, stage := range []semantics.Stage{semantics.Stored, semantics.Applied} {
					if m.survives == 0 && stage == semantics.Stored {
						continue
					}
					c := semantics.Cell{Episode: fi + 1, Fault: f, Stage: stage, Guarantee: semantics.AtLeastOnce, Result: semantics.Kept, N: 1 + (fi+mi)%5, Counts: map[string]int64{}}
					switch (fi*7 + mi*3 + ti + int(stage)) % 13 {
					case 0:
						c.Result, c.N = semantics.Inconclusive, 0
					case 1:
						c.Result, c.N = semantics.NotAffected, 0
					case 2:
						c.Counts["duplicate effects"] = 187
					case 3:
						c.Result, c.N = semantics.Observed, 0
						c.Counts["acknowledged and lost"] = 12
					}
					if m.st == broke && f == "kill-all" {
						c.Result = semantics.Broken
						c.Counts["acknowledged and lost"], c.Counts["duplicates in store"] = 131_418, 3
					}
					l.Cells = append(l.Cells, c)
				}
			}
			v.Lanes = append(v.Lanes, l)
		}
		vs = append(vs, v)
	}
	return vs
}

func sampleSilences(targets []sampleTarget) []Silence {
	r := rand.New(rand.NewPCG(3, 4))
	var out []Silence
	for _, t := range targets {
		for mi, m := range t.modes {
			for fi, f := range sampleFaults {
				for range 2 {
					s := Silence{Target: t.name, Mode: m.name, Fault: f, Acked: 0.02 * math.Pow(1.9, float64(fi)) * math.Exp(0.3*r.NormFloat64())}
					s.Delivered = s.Acked * 1.4
					if mi == 0 {
						s.Acked = -1
					}
					out = append(out, s)
				}
			}
		}
	}
	return out
}

func sampleRun(modes []sampleMode, faults int) Run {
	r := rand.New(rand.NewPCG(5, 6))
	run := Run{Seconds: 12 * float64(faults)}
	for i := range faults {
		at := 12 * float64(i)
		run.Episodes = append(run.Episodes, Episode{Number: i + 1, Fault: sampleFaults[i%len(sampleFaults)], Struck: at + 3,
			Phases: []Phase{{Striking, at + 3, at + 6}, {Healing, at + 6, at + 7.2}, {Checkpoint, at + 10.4, at + 12}}})
	}
	for mi, m := range modes {
		l := Lane{Name: m.name, Bin: 0.25, Wide: 1, Audited: "24 lost, 187 applied twice", All: "all: p50 2.1 ms, p99 31 ms, max 4.2 s"}
		for i := range int(run.Seconds / l.Bin) {
			in := math.Mod(float64(i)*l.Bin, 12)
			rate := 250.0
			if in > 10.4 {
				rate = 0
			}
			l.Sent = append(l.Sent, int64(rate))
			if in > 3 && in < 6 {
				rate *= 0.1
			}
			if mi > 0 {
				l.Acked = append(l.Acked, int64(rate*(1+0.04*r.NormFloat64())))
			} else {
				l.Acked = append(l.Acked, 0)
			}
			l.Applied = append(l.Applied, int64(rate*(1+0.04*r.NormFloat64())))
			lost, twice := int64(0), int64(0)
			if m.st == broke && in > 3 && in < 4 {
				lost = 2
			}
			if mi > 0 && in > 6 && in < 7 {
				twice = 5
			}
			l.Lost, l.Twice = append(l.Lost, lost), append(l.Twice, twice)
		}
		for i := range int(run.Seconds) {
			in := math.Mod(float64(i), 12)
			p := 2000 * math.Exp(0.2*r.NormFloat64())
			if in >= 3 && in < 7 {
				p *= 800
			}
			if in > 10 {
				p = math.NaN()
			}
			l.P50, l.P99 = append(l.P50, p), append(l.P99, p*6)
		}
		run.Lanes = append(run.Lanes, l)
	}
	return run
}
