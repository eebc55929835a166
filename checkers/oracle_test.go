package checkers_test

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waybill/checkers/checkertest"
	"waybill/checkers/plant"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// counts is what the naive audit knows: no sets, no pages, no order; a map from message to everything seen of it.
type counts struct {
	Sent, Acked, Rejected, StoredTwice, Delivered, Redeliveries, Applied, AckedApplied, AppliedTwice, Missing, Lost int64
}

// naive counts one lane of a whole history.
func naive(h history.Memory, lane uint32) counts {
	type seen struct {
		sends, acked, rejected, delivered, effects int
		stored, twice, gone                        bool
	}
	lives := map[history.Life]uint32{}
	scans := map[uint64]uint32{}
	all := map[history.Msg]*seen{}
	last := uint64(0)
	inScan := map[uint64]map[history.Msg]map[history.Position]bool{}
	of := func(m history.Msg) *seen {
		if all[m] == nil {
			all[m] = &seen{}
		}
		return all[m]
	}
	for _, e := range h {
		at := e.Lane
		if at == 0 {
			at = lives[e.Life]
		}
		switch e.Kind {
		case history.LifeStart:
			lives[e.Other] = e.Lane
		case history.ScanBegin:
			scans[e.Tag] = at
		case history.Copy:
			at = scans[e.Tag]
		case history.ReadbackEnd:
			if at == lane {
				last = max(last, e.Ref)
			}
		}
		if at != lane || e.Flags&(history.Foreign|history.Invisible) != 0 {
			continue
		}
		switch e.Kind {
		case history.Send:
			of(e.Msg).sends++
		case history.Outcome:
			switch e.Status {
			case history.Acked:
				of(e.Msg).acked++
			case history.Rejected:
				of(e.Msg).rejected++
			}
		case history.Delivery:
			of(e.Msg).delivered++
		case history.Copy:
			of(e.Msg).stored = true
			if inScan[e.Tag] == nil {
				inScan[e.Tag] = map[history.Msg]map[history.Position]bool{}
			}
			if inScan[e.Tag][e.Msg] == nil {
				inScan[e.Tag][e.Msg] = map[history.Position]bool{}
			}
			inScan[e.Tag][e.Msg][history.Position{Partition: e.Pos.Partition, Offset: e.Pos.Offset}] = true
			of(e.Msg).twice = of(e.Msg).twice || len(inScan[e.Tag][e.Msg]) > 1
		case history.Readback:
			of(e.Msg).gone = true
		}
	}
	for _, e := range h {
		if e.Kind == history.Readback && e.Lane == lane && e.Ref == last && e.Flags&history.Invisible == 0 {
			of(e.Msg).effects++
		}
	}
	var c counts
	count := func(n *int64, yes bool) {
		if yes {
			*n++
		}
	}
	for _, s := range all {
		rejected := s.sends > 0 && s.acked == 0 && s.rejected == s.sends
		count(&c.Sent, s.sends > 0)
		count(&c.Acked, s.acked > 0)
		count(&c.Rejected, rejected)
		count(&c.StoredTwice, s.twice)
		count(&c.Delivered, s.delivered > 0)
		c.Redeliveries += int64(max(0, s.delivered-1))
		count(&c.Applied, s.effects > 0)
		count(&c.AppliedTwice, s.effects > 1)
		count(&c.AckedApplied, s.acked > 0 && s.effects > 0)
		count(&c.Lost, s.acked > 0 && s.effects == 0)
		count(&c.Missing, s.sends > 0 && s.acked == 0 && !rejected && !s.stored && s.delivered == 0 && !s.gone)
	}
	return c
}

func counted(l semantics.Ledger) counts {
	return counts{l.Sent, l.Acked, l.Rejected, l.StoredTwice, l.Delivered, l.Redeliveries, l.Applied, l.AckedApplied, l.AppliedTwice, l.Missing,
		l.Lost.Sum() + l.Undecided}
}

func TestTheLedgerAgreesWithANaiveAudit(t *testing.T) {
	plants := plant.All()
	for seed := range uint64(240) {
		h := checkertest.Generate(seed, families()[seed%3])
		rng := rand.New(rand.NewPCG(seed, 3))
		in := h.Input()
		events := h.Events
		for range seed / 3 % 4 { // several plants in one history, in any lanes
			lane := uint32(rng.IntN(len(h.Experiment.Lanes)))
			p := plants[rng.IntN(len(plants))]
			if !p.Fits(h.Experiment.Lanes[lane].Mode) || p.Anomaly == "corrupt" || p.Anomaly == "phantom" {
				continue
			}
			if out, ok := p.Apply(rng, events, lane); ok {
				events = out.Events
			}
		}
		in.Source = events
		v := audit(t, in)
		for i, l := range v.Lanes {
			if d := cmp.Diff(naive(events, uint32(i)), counted(l.Ledger)); d != "" {
				t.Fatalf("seed %d, lane %s (-naive +audit):\n%s", seed, l.Name, d)
			}
		}
	}
}
