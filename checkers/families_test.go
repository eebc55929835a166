package checkers_test

import (
	"strings"
	"testing"

	"waybill/checkers/checkertest"
	"waybill/harness/semantics"
)

// families are the kinds of products that histories are made for: one log without partitions, a partitioned log, queues that cannot be
// read without consuming.
func families() []checkertest.Options {
	return []checkertest.Options{{}, {Modes: checkertest.LogModes(), Partitions: 3}, {Modes: checkertest.QueueModes()}}
}

// fine reports whether a finding belongs to a clean history: it breaks nothing, and the mode was bound to show it.
func fine(f semantics.Finding) bool {
	return !f.Breaks && (f.Lane == checkertest.Unroutable && f.Anomaly == "lost: not accepted" ||
		f.Lane == "autocommit-early" && f.Anomaly == "lost: in consumer")
}

func TestACleanHistoryOfEveryKindOfProductIsKept(t *testing.T) {
	for _, o := range families()[1:] {
		seen := map[string]int64{}
		for seed := range uint64(300) {
			h := checkertest.Generate(seed, o)
			v := audit(t, h.Input())
			if w := wrong(v); len(w) > 0 {
				t.Fatalf("seed %d, %v:\n%v", seed, h.Schedule.Episodes, strings.Join(w, "\n"))
			}
			for _, f := range v.Findings {
				seen[f.Lane+" "+f.Anomaly] += f.Count
			}
			for _, l := range v.Lanes {
				if l.Ledger.Undecided != 0 {
					t.Fatalf("seed %d: %+v", seed, l.Ledger)
				}
			}
		}
		for _, l := range o.Modes {
			if l.Name == checkertest.Unroutable && seen[l.Name+" lost: not accepted"] == 0 {
				t.Error("nothing is lost where messages go nowhere")
			}
			if l.Name == "autocommit-early" && seen[l.Name+" lost: in consumer"] == 0 {
				t.Error("a consumer that acknowledges first and is killed loses nothing")
			}
		}
	}
}
