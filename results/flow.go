package results

import "waybill/harness/semantics"

// flow is one lane's ledger as four boxes and three arrows.
type flow struct {
	Lane   string
	Mode   string
	Ledger semantics.Ledger
	Arrows [3]arrow
}

// arrow is what happened between two stages: what left the flow, and what entered it again.
type arrow struct {
	Lost   []countOf
	Again  []countOf
	Unseen string // why nothing can be said
}

func newFlow(l semantics.Lane) flow {
	g := l.Ledger
	f := flow{Lane: l.Name, Mode: l.Mode, Ledger: g}
	f.Arrows[0] = arrow{
		Lost:  []countOf{{"not accepted", g.Lost.NotAccepted}},
		Again: []countOf{{"stored twice", g.StoredTwice}, {"dedup answers", g.DedupStore}},
	}
	f.Arrows[1] = arrow{
		Lost:  []countOf{{"vanished", g.Lost.Vanished}, {"lost in delivery", g.Lost.InDelivery}},
		Again: []countOf{{"redeliveries", g.Redeliveries}},
	}
	f.Arrows[2] = arrow{
		Lost:  []countOf{{"lost in consumer", g.Lost.InConsumer}, {"lost in effect store", g.Lost.InEffect}},
		Again: []countOf{{"applied twice", g.AppliedTwice}, {"dedup hits", g.DedupEffect}},
	}
	if !g.Observable {
		f.Arrows[0] = arrow{Lost: f.Arrows[0].Lost, Unseen: "the store cannot be read without consuming"}
	}
	return f
}

// What and N are for templates.
func (c countOf) What() string { return c.what }
func (c countOf) N() int64     { return c.n }
