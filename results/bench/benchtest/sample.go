package benchtest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"waybill/harness/semantics"
	"waybill/results/bench"
)

type options struct {
	seed      uint64
	blocks    int
	through   int // blocks that were run to their end
	misses    bool
	hostile   bool
	struck    bool
	unsettled bool
	late      bool
	slower    map[string]float64
}

// Option makes a sample differ from the usual one.
type Option func(*options)

// Blocks asks for a number of blocks other than ten: with five or fewer no interval can be given.
func Blocks(n int) Option { return func(o *options) { o.blocks = n } }

// Seed gives other data of the same kind.
func Seed(n uint64) Option { return func(o *options) { o.seed = n } }

// Misses makes the A/A interval of nats exclude 1.
func Misses() Option { return func(o *options) { o.misses = true } }

// Hostile puts HTML, control characters and a formula into names and texts of the first target.
func Hostile() Option { return func(o *options) { o.hostile = true } }

// Interrupted ends the benchmark in the middle of its fifth block.
func Interrupted() Option { return func(o *options) { o.through = 4 } }

// Struck lets one replicate of kafka/idempotent lose messages that were acknowledged.
func Struck() Option { return func(o *options) { o.struck = true } }

// Unsettled lets the warm-up of one replicate of kafka/acks-all end by the clock.
func Unsettled() Option { return func(o *options) { o.unsettled = true } }

// Late lets the sends of nats/jetstream at 90 % leave later than they were meant to, and less be sent than was to be.
func Late() Option { return func(o *options) { o.late = true } }

// Slower divides the throughput of an arm.
func Slower(arm string, by float64) Option { return func(o *options) { o.slower[arm] = by } }

// Sample is a benchmark of two targets with four modes each, and tests under faults beside it: all of nats held, and kafka/acks-all lost
// messages when the power of all nodes failed.
func Sample(opts ...Option) (bench.Plan, []bench.Replicate, []bench.Tested) {
	o := options{seed: 7, blocks: 10, through: math.MaxInt, slower: map[string]float64{}}
	for _, opt := range opts {
		opt(&o)
	}
	rng := rand.New(rand.NewPCG(o.seed, 1))
	all := works()
	p := plan(o, all, rng)
	byName := map[string]work{}
	for _, w := range all {
		byName[w.Name] = w
	}
	var rs []bench.Replicate
	at := time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
	for b, order := range p.Order {
		day := 1 + 0.03*rng.NormFloat64() // what all arms of a block share
		for i, name := range order {
			if b >= o.through && i >= len(order)/3 {
				break
			}
			w := byName[name]
			// Noise of an arm does not depend on which others there are.
			own := rand.New(rand.NewPCG(o.seed, hash(fmt.Sprint(name, b))))
			r := replicate(o, w, b+1, day, own)
			if timed(w.Arm) {
				r.Latency = slices.Clone(written[b%kinds]()[name])
			}
			r.Place, r.Started, r.Run = i+1, at, fmt.Sprintf("%08x", uint32(hash(fmt.Sprint(name, b, o.seed))))
			at = at.Add(12 * time.Second)
			rs = append(rs, r)
		}
		if b >= o.through {
			break
		}
	}
	ts := tested(at)
	if o.hostile {
		hostile(&p, rs, ts)
	}
	return p, rs, ts
}

// Summary is what Analyze says of a sample.
func Summary(opts ...Option) bench.Summary {
	p, rs, ts := Sample(opts...)
	return bench.Analyze(p, rs, ts, Ceiling())
}

// Ceiling is what the harness reaches on a null target, made up as the rest.
func Ceiling() *bench.Ceiling {
	return &bench.Ceiling{
		Plain:   bench.Interval{N: 10, Estimate: 610_000, Low: 598_000, High: 623_000, Enough: true},
		Batched: bench.Interval{N: 10, Estimate: 1_450_000, Low: 1_400_000, High: 1_490_000, Enough: true},
	}
}

// hash is FNV-1a.
func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range []byte(s) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

// hostile renames the first mode of the first target wherever it is named, and puts markup into free text.
func hostile(p *bench.Plan, rs []bench.Replicate, ts []bench.Tested) {
	const name = "core\"><script>alert(1)</script>\x1b[31m&amp;=1+1|`x`"
	from, to := "nats/core", "nats/"+name
	rename := func(s *string) {
		if rest, ok := strings.CutPrefix(*s, from); ok {
			*s = to + rest
		}
	}
	p.Targets[0].Title = "NATS <b onclick=alert(2)>JetStream</b>"
	p.Targets[0].Modes[0].Name = name
	for i := range p.Arms {
		rename(&p.Arms[i].Name)
		rename(&p.Arms[i].Of)
		if p.Arms[i].Target == "nats" && p.Arms[i].Mode == "core" {
			p.Arms[i].Mode = name
		}
	}
	for _, order := range p.Order {
		for i := range order {
			rename(&order[i])
		}
	}
	for i := range rs {
		rename(&rs[i].Arm)
		if i%17 == 0 {
			rs[i].Trouble = append(rs[i].Trouble, "</script><img src=x onerror=alert(3)>\r\nfake: line")
		}
	}
	for i := range ts {
		for j := range ts[i].Verdict.Lanes {
			if l := &ts[i].Verdict.Lanes[j]; ts[i].Target == "nats" && l.Mode == "core" {
				l.Mode, l.Name = name, name
			}
		}
	}
}

// tested is one test under faults of each profile of each target.
func tested(at time.Time) []bench.Tested {
	one := func(target, version, profile string, models []model, broken func(mode, fault string) bool) bench.Tested {
		v := semantics.Verdict{Schema: semantics.VerdictSchema, Run: fmt.Sprintf("%08x", uint32(hash(target+profile))), Target: target, Profile: profile, Seed: 3, Result: semantics.Kept}
		faults := []string{"kill-consumer", "kill-producer", "kill-leader", "kill-all", "power-failure:of=one", outageOfAll}
		for i, f := range faults {
			v.Episodes = append(v.Episodes, semantics.Episode{Number: i + 1, Fault: f, Bit: true, Healed: true, Strikes: 5})
		}
		for _, m := range models {
			if m.Profile != profile {
				continue
			}
			l := semantics.Lane{Name: m.Name, Mode: m.Name, Ledger: semantics.Ledger{Sent: 20_000, Acked: 19_800, Unknown: 200, Observable: true, Stored: 19_900, Delivered: 19_900, Applied: 19_900, AckedApplied: 19_800}}
			for i, f := range faults {
				for _, promise := range m.Promises {
					c := semantics.Cell{Episode: i + 1, Fault: f, Stage: promise.Stage, Guarantee: promise.Guarantee, Result: semantics.Kept, N: 5, Bound: semantics.Bound(5)}
					switch {
					case broken(m.Name, f) && promise.Stage == semantics.Applied:
						c.Result, c.N, c.Bound = semantics.Broken, 0, 0
						c.Findings = []int{len(v.Findings) + 1}
						v.Findings = append(v.Findings, semantics.Finding{ID: len(v.Findings) + 1, Lane: m.Name, Anomaly: "lost: vanished", Stage: semantics.Applied, Episode: i + 1, Count: 37, Breaks: true})
						v.Result, v.ExitCode = semantics.Broken, 1
					case !promise.Covers(f):
						c.Result, c.N, c.Bound = semantics.Observed, 0, 0
					case m.Name == "core" && f == "kill-leader":
						c.Result, c.N, c.Bound, c.Why = semantics.NotAffected, 0, 0, "the queue has no leader"
					}
					l.Cells = append(l.Cells, c)
				}
			}
			v.Lanes = append(v.Lanes, l)
		}
		return bench.Tested{Target: target, Version: version, Dir: fmt.Sprintf("results/runs/%s/20261121T081500Z-3-%s", target, profile), At: at.Add(-20 * time.Hour), Verdict: v}
	}
	never := func(string, string) bool { return false }
	return []bench.Tested{
		one("nats", "2.15.2", "default", natsModels(), never),
		one("nats", "2.15.2", "sync", natsModels(), never),
		one("kafka", "4.1.2", "default", kafkaModels(), func(mode, fault string) bool { return mode == "acks-all" && fault == "kill-all" }),
	}
}
