package story

import (
	"fmt"
	"strings"

	"waybill/harness/history"
)

// maxAround bounds what is kept of each kind of event that stands around messages; runs that last for days have more.
const maxAround = 100_000

// around is what happened beside the messages: few events, kept for the whole run.
type around struct {
	lives    lives
	episodes []*episode
	strikes  []*strike
	struck   map[int][]int // by episode, indices of strikes
	leaders  map[seat]leader
	changes  []change // of leaders, in order
	context  []beside // ends of lives, assignments
	dropped  int      // what did not fit
}

// episode is one of the run, as it happened.
type episode struct {
	number     int
	fault      string
	begin, end int64 // end 0: not seen
	checkpoint map[int]int64
	said       []beside // observed, verified, refused
}

// strike is one injection of a fault.
type strike struct {
	episode *episode
	at      int64
	victims string
	hosts   []string
	recover int64 // 0: not seen
}

// seat is what somebody leads, and leader who does.
type seat struct {
	lane      int
	of        string
	partition uint32
}

type leader struct {
	node  string
	epoch uint64
}

// change is a new leader.
type change struct {
	seat
	leader
	at     int64
	before string
}

// beside is an event that stands around messages, as a line.
type beside struct {
	at   int64
	act  Act
	who  string
	what string
	life history.Life
	lane int
	part uint32
}

// life is one incarnation of a process.
type life struct {
	lane       int
	role, host string
}

type lives map[history.Life]*life

// name is how a life is called in a story.
func (ls lives) name(id history.Life) string {
	l := ls[id]
	if l == nil {
		return fmt.Sprintf("life %d", id)
	}
	return fmt.Sprintf("%s (life %d)", printable(l.host), id)
}

func newAround() around {
	return around{lives: lives{}, leaders: map[seat]leader{}, struck: map[int][]int{}}
}

// laneOf is the lane that an event concerns: its own, or, where that is 0, its life's. -1: no lane.
func (a *around) laneOf(e *history.Event) int {
	if e.Lane == 0 {
		if l := a.lives[e.Life]; l != nil {
			return l.lane
		}
	}
	return int(e.Lane)
}

func (a *around) see(e *history.Event, lane int) {
	switch e.Kind {
	case history.LifeStart:
		role, _, _ := strings.Cut(e.Text, " ")
		a.lives[e.Other] = &life{lane: int(e.Lane), role: printable(role), host: e.Name}
	case history.LifeEnd:
		if e.Reason != history.Planned {
			a.keep(beside{at: e.Time, act: Life, who: a.lives.name(e.Other), what: with("ends", e.Reason.String(), printable(firstLine(e.Text))), life: e.Other, lane: -1})
		}
	case history.Assign, history.Revoke, history.Lost, history.Cancelled, history.SessionFenced:
		what := map[history.Kind]string{history.Assign: "is assigned partition %d", history.Revoke: "has partition %d revoked",
			history.Lost: "has lost partition %d"}[e.Kind]
		if what != "" {
			what = fmt.Sprintf(what, e.Pos.Partition)
			if e.Kind == history.Assign && e.Pos.Offset > 0 {
				what += " from position " + number(e.Pos.Offset)
			}
		} else {
			what = with(map[history.Kind]string{history.Cancelled: "is cancelled by the broker", history.SessionFenced: "is fenced"}[e.Kind], printable(e.Text))
		}
		a.keep(beside{at: e.Time, act: Assignment, who: a.lives.name(e.Life), what: what, life: e.Life, lane: lane, part: e.Pos.Partition})
	case history.Leader:
		a.leader(e)
	case history.EpisodeBegin:
		a.episodes = append(a.episodes, &episode{number: int(e.Ref), fault: e.Name, begin: e.Time, checkpoint: map[int]int64{}})
	case history.EpisodeEnd:
		if ep := a.episode(e.Ref); ep != nil {
			ep.end = e.Time
		}
	case history.CheckpointEnd:
		if ep := a.episode(e.Ref); ep != nil {
			ep.checkpoint[int(e.Lane)] = e.Time
			if e.Status != history.OK {
				ep.said = append(ep.said, beside{at: e.Time, lane: int(e.Lane), act: Fault, what: with(fmt.Sprintf("checkpoint %d could not be completed", e.Ref), printable(e.Text))})
			}
		}
	case history.FaultInject, history.FaultVictim, history.FaultRecover, history.FaultObserved, history.FaultVerified, history.FaultRefused:
		a.fault(e)
	}
}

func (a *around) keep(b beside) {
	if len(a.context) >= maxAround {
		a.dropped++
		return
	}
	a.context = append(a.context, b)
}

func (a *around) fault(e *history.Event) {
	ep := a.episode(e.Ref)
	if ep == nil {
		return
	}
	var last *strike
	if n := len(a.strikes); n > 0 && a.strikes[n-1].episode == ep {
		last = a.strikes[n-1]
	}
	say := func(what string) {
		ep.said = append(ep.said, beside{at: e.Time, lane: -1, act: Fault, what: what})
	}
	switch e.Kind {
	case history.FaultInject:
		if len(a.strikes) < maxAround {
			a.struck[ep.number] = append(a.struck[ep.number], len(a.strikes))
			a.strikes = append(a.strikes, &strike{episode: ep, at: e.Time, victims: printable(e.Text)})
		}
	case history.FaultVictim:
		if last != nil && e.Name != "" {
			last.hosts = append(last.hosts, printable(e.Name))
		}
	case history.FaultRecover:
		if last != nil {
			last.recover = e.Time
		}
		say("recovery begins")
	case history.FaultObserved:
		if e.Status != history.OK {
			say(with("was not seen to bite", printable(e.Text)))
		}
	case history.FaultVerified:
		if e.Status == history.OK {
			say("recovery verified")
		} else {
			say(with("recovery could not be verified", printable(e.Text)))
		}
	case history.FaultRefused:
		say(with("is refused", printable(e.Text)))
	}
}

func (a *around) leader(e *history.Event) {
	of, _, _ := strings.Cut(e.Text, " ")
	at, now := seat{int(e.Lane), of, e.Pos.Partition}, leader{printable(e.Name), e.Pos.Epoch}
	before, known := a.leaders[at]
	if known && before == now {
		return
	}
	a.leaders[at] = now
	if len(a.changes) < maxAround {
		a.changes = append(a.changes, change{at, now, e.Time, before.node})
	}
}

// episode is the one of a number: the latest begun, where several bear it.
func (a *around) episode(ref uint64) *episode {
	for i := len(a.episodes) - 1; i >= 0; i-- {
		if a.episodes[i].number == int(ref) {
			return a.episodes[i]
		}
	}
	return nil
}

// during is the episode at an instant; nil before the first.
func (a *around) during(at int64) *episode {
	var out *episode
	for _, ep := range a.episodes {
		if ep.begin > at {
			break
		}
		out = ep
	}
	return out
}

// strike is the one of an episode that an instant follows, or else the one that it comes before; nil when nothing strikes in it.
func (a *around) strike(ep *episode, at int64) *strike {
	var out *strike
	for _, i := range a.struck[ep.number] {
		if s := a.strikes[i]; s.episode == ep && (out == nil || s.at <= at) {
			out = s
		}
	}
	return out
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return s
}
