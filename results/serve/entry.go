package serve

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"

	"waybill/harness/history"
	"waybill/harness/semantics"
	"waybill/results"
)

// State is how far a run or a benchmark has come.
type State string

// States.
const (
	Running State = "running" // it recorded something in the last minute
	Judged  State = "judged"  // its verdict is there
	Stopped State = "stopped" // neither: it was killed, or is being audited
)

// Run is what the list says of one run directory.
type Run struct {
	Path     string // below the folder that is served, with slashes
	State    State
	Target   string
	Version  string
	Profile  string
	Modes    []string
	Faults   []string // without "none" and the final drain
	Seed     uint64
	Started  time.Time
	Length   time.Duration // 0: not known
	Result   semantics.Result
	Findings int // of any kind
	Breaking int // that break a promise
	Found    []string
	CutShort string
	Trouble  string // what could not be read, and why
}

// aliveWithin is how long ago a run in progress has recorded its last sign of life, at most. Clients beat ten times a second; before they are up,
// files are made.
const aliveWithin = time.Minute

// readRun makes what is known of a run directory. What cannot be read is said in Trouble: a list is not the place to fail.
func readRun(path string, d results.Dir, whole func(names ...string) error) Run {
	r := Run{Path: path, State: Stopped}
	if err := whole("manifest.json", "experiment.yaml", "schedule.yaml", "verdict.json", "history"); err != nil {
		r.Trouble = err.Error()
		return r
	}
	m, err := d.LoadManifest()
	if err != nil {
		r.Trouble = err.Error()
		return r
	}
	r.Target, r.Version, r.Seed, r.Started = m.Target, m.Version, m.Seed, m.Started
	if !m.Ended.IsZero() {
		r.Length = m.Ended.Sub(m.Started)
	}
	v, err := d.LoadVerdict()
	switch {
	case err == nil:
		r.judged(v)
	case errors.Is(err, fs.ErrNotExist):
		r.expected(d)
	default:
		r.Trouble = err.Error()
	}
	return r
}

func (r *Run) judged(v semantics.Verdict) {
	r.State, r.Result, r.Profile, r.CutShort = Judged, v.Result, v.Profile, v.CutShort
	for _, l := range v.Lanes {
		r.Modes = append(r.Modes, l.Mode)
	}
	for _, e := range v.Episodes {
		r.fault(e.Fault)
	}
	for _, f := range v.Findings {
		r.Findings++
		if f.Breaks {
			r.Breaking++
		}
		if !slices.Contains(r.Found, f.Anomaly) {
			r.Found = append(r.Found, f.Anomaly)
		}
	}
}

// expected takes what was to be run, of a run without a verdict.
func (r *Run) expected(d results.Dir) {
	e, err := d.LoadExperiment()
	if err != nil {
		r.Trouble = err.Error()
		return
	}
	r.Profile = e.Profile
	for _, l := range e.Lanes {
		r.Modes = append(r.Modes, l.Mode.Name)
	}
	s, err := d.LoadSchedule()
	if err != nil {
		r.Trouble = err.Error()
		return
	}
	for _, e := range s.Episodes {
		r.fault(e.Fault)
	}
}

func (r *Run) fault(name string) {
	if name != "" && name != "none" && name != "final" && !slices.Contains(r.Faults, name) {
		r.Faults = append(r.Faults, name)
	}
}

// lastSign is when the run in d was last seen to do something; zero where it never was. Stamps of a segment count from the machine's start: what
// was begun before that is not believed.
func lastSign(d results.Dir, started time.Time) time.Time {
	var last time.Time
	for _, path := range []string{string(d), d.History()} {
		if s, err := os.Stat(path); err == nil && s.ModTime().After(last) {
			last = s.ModTime()
		}
	}
	clock := history.Clock()
	now := time.Now()
	if started.Before(now.Add(-time.Duration(clock))) {
		return last
	}
	h, err := history.Open(d.History())
	if err != nil {
		return last // there is no segment yet
	}
	for _, s := range h.Segments() {
		live, err := history.WatchCounters(s.Path)
		if err != nil {
			continue // it is just being made
		}
		beat := live.Load(history.Heartbeat)
		live.Close() // only read from
		if at := now.Add(-time.Duration(clock - int64(beat)*1000)); beat > 0 && at.After(last) && !at.After(now.Add(time.Second)) {
			last = at
		}
	}
	return last
}

// alive settles whether a run without a verdict is in progress.
func (r *Run) alive(d results.Dir) {
	if r.State == Judged || r.Length != 0 {
		return
	}
	r.State = Stopped
	if time.Since(lastSign(d, r.Started)) < aliveWithin {
		r.State = Running
	}
}
