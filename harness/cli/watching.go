package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"waybill/harness/campaign"
	"waybill/harness/semantics"
)

// watching is what the flags of test say about the time in which runs go on.
type watching struct {
	live   bool
	stopOn string
	soak   time.Duration
}

func (w *watching) flags(f *pflag.FlagSet) {
	f.BoolVar(&w.live, "live", true, "audit while the run goes on, and tell what is certain")
	f.StringVar(&w.stopOn, "stop-on", "", "end the run in good order as soon as this is certain: broken")
	f.DurationVar(&w.soak, "soak", 0, "repeat the test for so long, each round with a seed of its own")
}

// check finds what contradicts itself.
func (w *watching) check(schedule string) error {
	switch {
	case w.stopOn != "" && w.stopOn != string(semantics.Broken):
		return fmt.Errorf("--stop-on %q: want broken", w.stopOn)
	case w.stopOn != "" && !w.live:
		return errors.New("--stop-on needs the live audit, and --live=false does without: want one of them")
	case w.soak < 0:
		return fmt.Errorf("--soak %s: want a time to come", w.soak)
	case w.soak > 0 && schedule != "":
		return errors.New("--soak makes each round's schedule from a seed of its own, and --schedule gives one for all: want one of them")
	}
	return nil
}

func (w *watching) options() campaign.Watch {
	return campaign.Watch{Live: w.live, StopOnBroken: w.stopOn == string(semantics.Broken)}
}
