package checkers

import (
	"waybill/checkers/msgset"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// touchedFrames is what a fault did to single frames of a lane's clients, and what the clients say came of it. The fault does not know which
// messages a frame was about; the clients do.
type touchedFrames struct {
	hits       map[string]int64 // by kind of frame
	unanswered int64            // attempts whose outcome is unknown, after the first strike
	again      msgset.Set       // messages delivered once more after something was done to an acknowledgement
}

// frameHit takes a FaultHit.
func (ep *episode) frameHit(e *history.Event) {
	if int(e.Lane) >= len(ep.lanes) {
		return
	}
	t := &ep.lanes[e.Lane].frames
	if t.hits == nil {
		t.hits = map[string]int64{}
	}
	t.hits[e.Name]++
}

// frames is what a fault of single frames must have met, besides what any fault of clients must.
//
//	drop-confirms        confirmations lost, and sends that got none; where the library retries, its retries (see retries)
//	drop-acks            acknowledgements lost; where their consumer was then killed, messages delivered once more, since nothing else
//	                     could make up for it
//	drop-commits         answers to the ends of transactions lost
//	delay-acks           confirmations delayed, for what is stored; acknowledgements, for what is applied
//	hold-requests        publishes held; for what is applied in transactions, ends of those
//	duplicate-requests   publishes sent twice
func (ep *episode) frames(l *lane, p semantics.Promise) (out []semantics.Exposure) {
	x := &ep.of(l).frames
	need := func(what string, seen int64) { out = append(out, semantics.Exposure{What: what, Seen: seen, Need: 1}) }
	applied := p.Stage != semantics.Stored
	switch base(ep.Fault) {
	case "drop-confirms":
		need("confirmations lost", x.hits["confirm"])
		if !l.traits.Session {
			need("sends whose confirmation never arrived", x.unanswered)
		}
	case "drop-acks":
		need("acknowledgements lost", x.hits["ack"])
		again := semantics.Exposure{What: "messages delivered once more after that", Seen: x.again.Len()}
		if p.Guarantee.ForbidsLoss() && param(ep.Fault, "then") != "cut" && param(ep.Fault, "then") != "nothing" {
			again.Need = 1
		}
		out = append(out, again)
	case "drop-commits":
		need("answers to ends of transactions lost", x.hits["commit"])
	case "delay-acks":
		if applied && l.holds() {
			need("acknowledgements delayed", x.hits["ack"])
		} else {
			need("confirmations delayed", x.hits["confirm"])
		}
	case "hold-requests":
		if applied && l.traits.Transactional {
			need("ends of transactions held until they were given up", x.hits["end"])
		} else {
			need("publishes held until they were given up", x.hits["publish"])
		}
	case "duplicate-requests":
		need("publishes sent twice", x.hits["publish"])
	}
	return out
}
