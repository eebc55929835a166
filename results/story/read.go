package story

import (
	"context"
	"fmt"
	"iter"

	"waybill/harness/history"
)

// Telling is what one reading of a history tells.
type Telling struct {
	Stories []Story   `json:"stories,omitempty"` // in the order in which they were asked for
	Causes  []Grouped `json:"causes,omitempty"`  // by finding
}

// Read reads a history once and tells of the messages asked for; where of is given, it also groups all messages of every finding of the
// verdict, which of yields by the finding's id. Memory is what those stories and, for grouping, about 200 bytes a named message need.
// An error is that of the history, or says that it is not the experiment's, or that ctx ended.
func Read(ctx context.Context, in Input, asks []Ask, of func(id int) iter.Seq[history.Msg]) (Telling, error) {
	p := newPass(in, asks)
	if of != nil {
		p.groups = newGroups(in, of)
	}
	n := 0
	for e, err := range in.Source.Events() {
		if err != nil {
			return Telling{}, fmt.Errorf("story: reading the history: %w", err)
		}
		if n++; n%4096 == 0 && ctx.Err() != nil {
			break
		}
		if err := p.see(e); err != nil {
			return Telling{}, err
		}
	}
	if err := ctx.Err(); err != nil {
		return Telling{}, fmt.Errorf("story: %w", err)
	}
	var out Telling
	for _, t := range p.tales {
		out.Stories = append(out.Stories, p.story(t))
	}
	if p.groups != nil {
		out.Causes = p.groups.all(p)
	}
	return out, nil
}

// pass is one reading of a history.
type pass struct {
	in     Input
	origin int64
	begun  bool
	around around
	groups *groups

	tales   []*tale
	byMsg   map[history.Msg]*tale
	byToken map[string]*tale
	slots   map[slot][]*tale // where a tale's message was said to be
	scans   map[scanKey]*scan
	calls   map[history.Life]call // the receive call under way
	txns    map[txnKey]*txn       // those that a tale's message is a member of
	running map[history.Life]*txn // the latest one of each processor
	order   order
	passing passing
}

// slot is one place of a queue, whatever the epoch.
type slot struct {
	lane      int
	partition uint32
	offset    int64
}

type scanKey struct {
	life history.Life
	tag  uint64
}

// scan is one under way.
type scan struct {
	lane    int
	ref     uint64
	replica string
	ranges  map[uint32][2]int64 // by partition
	found   map[*tale]*finds
}

// finds is what a scan finds of one message.
type finds struct {
	places []history.Position
	flags  history.Flags
}

// call is a receive call.
type call struct {
	number uint64
	at     int64
}

type txnKey struct {
	life   history.Life
	number uint64
}

// txn is an attempt to process in a transaction.
type txn struct {
	txnKey
	begun   int64
	members int
	called  int64 // when its end was called; 0: never
	commit  bool
	ended   int64
	status  history.Status
	said    string
	visible map[history.Msg]bool // other members, as far as readbacks showed them
	lines   []*line
}

func newPass(in Input, asks []Ask) *pass {
	p := &pass{in: in, around: newAround(), byMsg: map[history.Msg]*tale{}, byToken: map[string]*tale{}, slots: map[slot][]*tale{},
		scans: map[scanKey]*scan{}, calls: map[history.Life]call{}, txns: map[txnKey]*txn{}, running: map[history.Life]*txn{}, order: newOrder(),
		passing: passing{given: map[holding]spot{}, furthest: map[slot]*elder{}}}
	for _, a := range asks {
		t := newTale(a)
		p.tales = append(p.tales, t)
		if a.Foreign != "" {
			p.byToken[a.Foreign] = t
		} else {
			p.byMsg[a.Msg] = t
			p.order.lives[a.Msg.Life] = true
		}
		p.watch(t)
	}
	return p
}

func (p *pass) see(e *history.Event) error {
	if !p.begun {
		p.origin, p.begun = e.Time, true
	}
	lane := p.around.laneOf(e)
	p.around.see(e, lane)
	p.groups.see(e, lane, &p.around)
	if len(p.tales) == 0 {
		return nil
	}
	p.besides(e)
	p.pass(e, lane)
	switch e.Kind {
	case history.ScanBegin:
		p.scanBegin(e, lane)
		return nil
	case history.Copy:
		p.copy(e)
		return nil
	case history.ScanEnd:
		p.scanEnd(e)
		return nil
	case history.ReadbackEnd:
		for _, t := range p.tales {
			if t.lane == lane {
				t.readEnd(e.Time-p.origin, e.Ref, e.Status == history.OK)
			}
		}
		return nil
	case history.Receive:
		p.calls[e.Life] = call{e.Call, e.Time}
		return nil
	case history.TxnBegin, history.TxnMember, history.TxnEnd, history.TxnOutcome:
		p.transaction(e)
		return nil
	case history.Send, history.Outcome:
		p.order.see(e, p.byMsg[e.Msg])
	case history.Readback:
		p.sibling(e)
	case history.Delivery, history.AckCalled, history.AckOutcome, history.ApplyBegin, history.ApplyEnd, history.DeadLetter, history.GiveUp:
	default:
		return nil
	}
	t := p.byMsg[e.Msg]
	if e.Flags&history.Foreign != 0 {
		t = p.byToken[e.Text]
	}
	if t != nil {
		t.lane = lane
		p.message(t, e)
	}
	return nil
}
