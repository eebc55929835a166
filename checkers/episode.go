package checkers

import (
	"strings"

	"waybill/checkers/msgset"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// episode is what was seen of one episode: of its fault, and by each lane while it lasted.
type episode struct {
	semantics.Episode
	number   int
	final    bool // the closing checkpoint, which has no fault
	inject   bool // between FaultInject and FaultInjected
	recover  bool // since FaultRecover
	bit      bool
	observed bool
	verdict  history.Status // of FaultVerified
	verifyIn string
	biteText string
	refused  string
	victims  map[history.Life]bool
	lanes    []*exposed
	healed   map[int]*history.Event // ServiceHealed by lane
	ends     map[int]*checkpoint    // by lane
}

// exposed is what one lane had at risk in an episode.
type exposed struct {
	ackedBefore int64 // sends acknowledged before the first strike
	ackedAfter  int64 // after it
	unresolved  int64 // messages with an unresolved send at some instant of a strike
	dedupStore  int64 // acknowledgements that say "have it", after the strike
	dedupEffect int64
	newLeader   map[string]int64 // of what → new leaders of a partition seen since the strike
	leaders     map[seat]leader  // as they were at the first strike
	zombie      int64
	openTxns    int64                        // transactions open at some instant of a strike
	victimTxns  int64                        // those of a victim, when it was struck
	failedTxns  int64                        // transactions aborted, fenced or of unknown end, in the whole episode
	held        map[history.Msg]history.Life // delivered to a victim and not acknowledged when it was struck
	elsewhere   msgset.Set                   // of those, delivered to another life afterwards
	meanwhile   msgset.Set                   // of those, before the victim recovered
	pipe        msgset.Set                   // messages between send and handled at some instant of a strike
	power       lostPower
	frames      touchedFrames
	kept        msgset.Set // of retried, what the store held at the episode's checkpoint: a later fault may take it away
	retried     msgset.Set // acknowledged on a retry after the strike: of an unknown attempt, or within the library's session
}

func (ep *episode) reset(lanes []*lane) {
	ep.victims = map[history.Life]bool{}
	ep.healed = map[int]*history.Event{}
	ep.ends = map[int]*checkpoint{}
	ep.lanes = nil
	for _, l := range lanes {
		ep.lanes = append(ep.lanes, &exposed{held: map[history.Msg]history.Life{}, newLeader: map[string]int64{}})
		l.recent = msgset.Set{}
	}
}

func (ep *episode) of(l *lane) *exposed { return ep.lanes[l.index] }

func (ep *episode) struck() bool     { return ep.Strikes > 0 }
func (ep *episode) recovering() bool { return ep.recover }

// acting reports whether the fault is at work at this instant: while it strikes, or, where it lasts, until recovery begins.
func (ep *episode) acting() bool {
	return ep.inject || ep.struck() && lasts(ep.Fault) && !ep.recover
}

// base is a fault's name without its parameters: "kill-leader" of "kill-leader:of=consumer".
func base(fault string) string {
	name, _, _ := strings.Cut(fault, ":")
	return name
}

// param is a parameter of a fault's name, or "".
func param(fault, key string) string {
	_, list, _ := strings.Cut(fault, ":")
	for kv := range strings.SplitSeq(list, ":") {
		if k, v, _ := strings.Cut(kv, "="); k == key {
			return v
		}
	}
	return ""
}

// lasts reports whether a fault acts until recovery rather than at one instant: a kill is over when it is done.
func lasts(fault string) bool {
	b := base(fault)
	return !strings.HasPrefix(b, "kill-") && !strings.HasPrefix(b, "restart-") && b != "power-failure"
}

// calm reports whether an episode has no fault at all.
func calm(fault string) bool {
	return fault == "" || fault == "none" || fault == "calm" || fault == finalName
}

const finalName = "final"

// begin opens an episode.
func (a *audit) begin(e *history.Event) {
	n := int(e.Ref)
	ep := &episode{number: n, final: calm(e.Name) && n > len(a.in.Schedule.Episodes)}
	ep.Number, ep.Begin, ep.Fault = n, e.Time, e.Name
	if ep.final {
		ep.Fault = finalName
	}
	for _, s := range a.in.Schedule.Episodes {
		if s.Number == n {
			ep.Fault = s.Fault
		}
	}
	ep.reset(a.lanes)
	a.episodes = append(a.episodes, ep)
	a.now = ep
}

// episode finds one by number; one that never began is an empty one that nothing is read from.
func (a *audit) episode(ref uint64) *episode {
	for _, ep := range a.episodes {
		if ep.number == int(ref) {
			return ep
		}
	}
	if a.now.number == int(ref) {
		return a.now
	}
	ep := &episode{number: int(ref)}
	ep.reset(nil)
	return ep
}
