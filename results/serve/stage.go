package serve

import (
	"fmt"
	"slices"

	"waybill/harness/experiment"
	"waybill/harness/history"
)

// stage is where a run is, by its controller's journal.
type stage struct {
	Phase    string // in words
	Episode  int    // 0: none has begun
	Fault    string // of the episode
	Victims  string // of its strike
	Striking bool   // between strike and recovery
	Aborted  string // why it was cut short
	Episodes []episodeStage
}

// episodeStage is how far one episode has come.
type episodeStage struct {
	Number  int
	Fault   string
	State   string // "", "now", "done"
	Trouble string // it did not bite, was refused, did not heal
}

func newStage(s experiment.Schedule) stage {
	x := stage{Phase: "being set up"}
	for _, e := range s.Episodes {
		x.Episodes = append(x.Episodes, episodeStage{Number: e.Number, Fault: e.Fault})
	}
	return x
}

// copy shares nothing that see changes.
func (s *stage) copy() stage {
	c := *s
	c.Episodes = slices.Clone(s.Episodes)
	return c
}

// see takes the journal's next event.
func (s *stage) see(e *history.Event) {
	switch e.Kind {
	case history.PhaseBegin:
		s.Phase = e.Name
	case history.EpisodeBegin:
		s.begin(int(e.Ref), e.Name)
	case history.FaultPlan:
		s.Phase = "waiting for something to be in flight"
	case history.FaultInject:
		s.Phase, s.Victims, s.Striking = "the fault strikes", e.Text, true
	case history.FaultInjected:
		s.Phase = "the fault holds"
	case history.FaultRecover:
		s.Phase, s.Striking = "recovering", false
	case history.FaultVerified:
		s.Phase = "healed: settling"
		if e.Status != history.OK {
			s.Phase = "not healed"
			s.trouble("not healed: " + e.Text)
		}
	case history.FaultRefused:
		s.trouble("refused: " + e.Text)
	case history.CheckpointBegin:
		s.Phase = "checkpoint: load stopped, drained, scanned"
	case history.CheckpointEnd:
		if e.Status != history.OK {
			s.trouble(fmt.Sprintf("checkpoint failed: %s", e.Text))
		}
	case history.EpisodeEnd:
		s.end()
	case history.Abort:
		s.Aborted = e.Text
	case history.Seal:
		s.end()
		s.Phase = "over: being audited"
	}
}

func (s *stage) begin(number int, fault string) {
	s.end()
	s.Episode, s.Fault, s.Victims, s.Phase = number, fault, "", "calm"
	for i := range s.Episodes {
		if s.Episodes[i].Number == number {
			s.Episodes[i].State = "now"
			return
		}
	}
	s.Phase = "the last drain and scan"
	s.Episodes = append(s.Episodes, episodeStage{Number: number, Fault: fault, State: "now"})
}

func (s *stage) end() {
	s.Striking = false
	for i := range s.Episodes {
		if s.Episodes[i].State == "now" {
			s.Episodes[i].State = "done"
		}
	}
}

func (s *stage) trouble(why string) {
	for i := range s.Episodes {
		if s.Episodes[i].State == "now" {
			s.Episodes[i].Trouble = why
		}
	}
}
