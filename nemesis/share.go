package nemesis

import (
	"fmt"
	"math/rand/v2"
	"strconv"

	"waybill/harness/semantics"
	"waybill/nemesis/frames"
)

// ofFrames are the parameters of faults that choose frames: a share of them, each by itself, and at most a number of each client's.
func ofFrames(share string) []Param {
	return []Param{
		{Name: "share", Values: []string{share}, Meaning: "of the frames, each by itself: more than 0, at most 1", Check: func(s string) error {
			if x, err := strconv.ParseFloat(s, 64); err != nil || !(x > 0 && x <= 1) {
				return fmt.Errorf("want a number above 0, at most 1")
			}
			return nil
		}},
		{Name: "count", Values: []string{"0"}, Meaning: "at most so many of each client; 0 is no limit", Check: func(s string) error {
			if n, err := strconv.Atoi(s); err != nil || n < 0 {
				return fmt.Errorf("want a whole number, 0 or more")
			}
			return nil
		}},
	}
}

// rule is what the parameters say, filled in. They were checked when the fault was found.
func (a Args) rule(k frames.Kind, act frames.Act) (frames.Rule, error) {
	share, err := strconv.ParseFloat(a["share"], 64)
	if err != nil {
		return frames.Rule{}, fmt.Errorf("nemesis: share: %w", err)
	}
	count, err := strconv.Atoi(a["count"])
	if err != nil {
		return frames.Rule{}, fmt.Errorf("nemesis: count: %w", err)
	}
	return frames.Rule{Kind: k, Act: act, Share: share, Count: count}, nil
}

// understood is Fault.Here of what chooses frames.
func understood(p Place, _ Args) string {
	if p.Frames == "" {
		return "the frames of this product's protocol are not understood"
	}
	return ""
}

// sparesAll reports whether nothing of a mode can be touched.
func sparesAll(spares func(semantics.Mode, semantics.Stage) string, m semantics.Mode) bool {
	for _, s := range []semantics.Stage{semantics.Stored, semantics.Delivered, semantics.Applied} {
		if spares(m, s) == "" {
			return false
		}
	}
	return true
}

// NeedsFrames reports whether a fault does something to single frames: then clients' connections are filtered, and else not.
func NeedsFrames(spec string) (bool, error) {
	f, _, err := Find(spec)
	if err != nil {
		return false, err
	}
	return f.Frames, nil
}

// producersOf and consumersOf are a lane's clients.
func producersOf(l Lane) []string { return l.Producers }
func consumersOf(l Lane) []string { return l.Consumers }

// oneConsumer picks one of a lane.
func oneConsumer(rng *rand.Rand) func(Lane) []string {
	return func(l Lane) []string { return []string{oneOf(rng, l.Consumers)} }
}
