package bench

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

var (
	// ErrNotBench marks a path that is no bench directory.
	ErrNotBench = errors.New("not a bench directory")
	// ErrDamaged marks a file of a bench directory that could be opened but not understood.
	ErrDamaged = errors.New("cannot be understood")
)

// Names of what lies in a bench directory.
const (
	planFile       = "bench.yaml"
	replicatesFile = "replicates.jsonl"
	summaryFile    = "summary.json"
	testedFile     = "tested.json"
	manifestFile   = "manifest.json"
	runsDir        = "runs"
	// Folder is where below the folder of run directories those of benchmarks are.
	Folder = "bench"
)

// What a reader takes into memory, in bytes: a bench directory may come from anywhere.
const (
	maxFile = 1 << 30
	maxLine = 64 << 20
)

// Dir is the directory of one benchmark. Its manifest.json is the same as a run directory's, and read and written as one. Methods that write
// may not be called concurrently.
type Dir string

// NewDir makes parent/bench/20261122T081500Z-SEED with its folder of runs. When the name is taken, -2, -3 and so on are appended.
func NewDir(parent string, at time.Time, seed uint64) (Dir, error) {
	above := filepath.Join(parent, Folder)
	if err := os.MkdirAll(above, 0o755); err != nil {
		return "", fmt.Errorf("bench: make the folder of benchmarks: %w", err)
	}
	base := filepath.Join(above, fmt.Sprintf("%s-%d", at.UTC().Format("20060102T150405Z"), seed))
	path := base
	for i := 2; ; i++ {
		err := os.Mkdir(path, 0o755)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrExist) || i > 1000 {
			return "", fmt.Errorf("bench: make a bench directory: %w", err)
		}
		path = fmt.Sprintf("%s-%d", base, i)
	}
	if err := os.Mkdir(filepath.Join(path, runsDir), 0o755); err != nil {
		return "", fmt.Errorf("bench: make a bench directory: %w", err)
	}
	return Dir(path), nil
}

// OpenDir checks that path holds a benchmark. Errors wrap ErrNotBench.
func OpenDir(path string) (Dir, error) {
	d := Dir(path)
	for _, part := range []string{planFile, manifestFile} {
		if info, err := os.Stat(d.Path(part)); err != nil || info.IsDir() {
			return "", fmt.Errorf("bench: %s is %w: it lacks %s; one holds %s, %s and %s", path, ErrNotBench, part, planFile, manifestFile, replicatesFile)
		}
	}
	return d, nil
}

// Path is the path of something in the directory.
func (d Dir) Path(elem ...string) string {
	return filepath.Join(append([]string{string(d)}, elem...)...)
}

// Run is the run directory of a replicate, while it is kept.
func (d Dir) Run(name string) string { return d.Path(runsDir, name) }

// Report is the path of the HTML report.
func (d Dir) Report() string { return d.Path("report.html") }

// SavePlan writes bench.yaml, before anything was measured.
func (d Dir) SavePlan(p Plan) error {
	b, err := yaml.MarshalWithOptions(p, yaml.IndentSequence(true))
	if err != nil {
		return fmt.Errorf("bench: encode %s: %w", planFile, err)
	}
	return d.write(planFile, b)
}

// SaveSummary writes summary.json, replacing it whole. It is for other programs: everything in it follows from the plan and the replicates.
func (d Dir) SaveSummary(s Summary) error { return d.saveJSON(summaryFile, s) }

// SaveTested writes tested.json: the verdicts of tests under faults that marks are made of, as they were then.
func (d Dir) SaveTested(ts []Tested) error { return d.saveJSON(testedFile, ts) }

// LoadTested reads tested.json; none at all is no error.
func (d Dir) LoadTested() (ts []Tested, err error) {
	b, err := d.read(testedFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &ts); err != nil {
		return nil, fmt.Errorf("bench: %s %w: %w", d.Path(testedFile), ErrDamaged, err)
	}
	return ts, nil
}

// Load reads all that a benchmark's pages are made of: its replicates, and what may be said of them.
func (d Dir) Load() (Summary, []Replicate, error) {
	p, err := d.LoadPlan()
	if err != nil {
		return Summary{}, nil, err
	}
	rs, err := d.LoadReplicates()
	if err != nil {
		return Summary{}, nil, err
	}
	ts, err := d.LoadTested()
	if err != nil {
		return Summary{}, nil, err
	}
	return Analyze(p, rs, ts, CeilingOf(p, rs)), rs, nil
}

// Append adds a line to replicates.jsonl and returns once it is on the disk: what was measured is not measured again.
func (d Dir) Append(r Replicate) (err error) {
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("bench: encode a replicate: %w", err)
	}
	f, err := os.OpenFile(d.Path(replicatesFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	_, err = f.Write(append(line, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("bench: write a replicate: %w", err)
	}
	return nil
}

// LoadPlan reads bench.yaml. What cannot be understood is an error with its line that wraps ErrDamaged.
func (d Dir) LoadPlan() (Plan, error) {
	var p Plan
	path := d.Path(planFile)
	b, err := d.read(planFile)
	if err != nil {
		return p, err
	}
	if p, err = parsePlan(b); err != nil {
		return p, fmt.Errorf("bench: %s %w: %w", path, ErrDamaged, err)
	}
	return p, nil
}

// LoadReplicates reads replicates.jsonl in the order in which they were measured; none at all is no error. A last line without an end was
// being written when the benchmark was killed, and is left out. Any other that cannot be understood is an error with its number that wraps
// ErrDamaged.
func (d Dir) LoadReplicates() ([]Replicate, error) {
	f, err := os.Open(d.Path(replicatesFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	defer f.Close()
	rs, err := readReplicates(io.LimitReader(f, maxFile))
	if err != nil {
		return rs, fmt.Errorf("bench: %s%w", d.Path(replicatesFile), err)
	}
	return rs, nil
}

func readReplicates(r io.Reader) (rs []Replicate, err error) {
	lines := bufio.NewReaderSize(r, 1<<16)
	for n := 1; ; n++ {
		line, err := readLine(lines)
		switch {
		case errors.Is(err, io.EOF):
			return rs, nil // what is left was not ended
		case err != nil:
			return rs, fmt.Errorf(":%d: %w", n, err)
		case len(bytes.TrimSpace(line)) == 0:
			continue
		}
		var x Replicate
		if err := json.Unmarshal(line, &x); err != nil {
			return rs, fmt.Errorf(":%d: %w: %w", n, ErrDamaged, err)
		}
		if err := x.check(); err != nil {
			return rs, fmt.Errorf(":%d: %w: %w", n, ErrDamaged, err)
		}
		rs = append(rs, x)
	}
}

// readLine reads a line with its end; io.EOF means that there was no end any more.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return line, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case len(line) > maxLine:
			return nil, fmt.Errorf("%w: a line is longer than %d MiB: no Waybill wrote it", ErrDamaged, maxLine>>20)
		}
	}
}

// check finds what every reader of a replicate relies on.
func (r Replicate) check() error {
	s := r.Series
	n := max(len(s.Sent), len(s.Acked), len(s.Applied))
	switch {
	case r.Arm == "":
		return errors.New("it names no arm")
	case r.Block < 0 || r.Place < 0:
		return fmt.Errorf("block %d, place %d: want neither below 0", r.Block, r.Place)
	case s.Bin < 0 || s.From < 0 || s.To < s.From || n > 0 && s.To > n:
		return fmt.Errorf("bins %d to %d of %d, %d µs each, cannot have been measured", s.From, s.To, n, s.Bin)
	case strings.ContainsAny(r.Run, `/\`) || r.Run == "." || r.Run == "..":
		return fmt.Errorf("run %q cannot name a folder", r.Run)
	}
	return nil
}

// parsePlan is strict: an unknown or repeated key is an error.
func parsePlan(b []byte) (p Plan, err error) {
	// The parser indexes into its input in many places; bytes from elsewhere must never end the program.
	defer func() {
		if x := recover(); x != nil {
			err = fmt.Errorf("not YAML that can be parsed: %v", x)
		}
	}()
	if err := yaml.UnmarshalWithOptions(b, &p, yaml.Strict()); err != nil {
		return Plan{}, errors.New(yaml.FormatError(err, false, false))
	}
	if p.Schema != Schema {
		return Plan{}, fmt.Errorf("schema %d: this Waybill reads %d", p.Schema, Schema)
	}
	return p, p.check()
}

// mostBlocks is more than anybody waits for.
const mostBlocks = 100_000

// check finds what every reader of a plan relies on.
func (p Plan) check() error {
	if p.Blocks < 0 || p.Blocks > mostBlocks {
		return fmt.Errorf("%d blocks: want 0 to %d", p.Blocks, mostBlocks)
	}
	arms := map[string]bool{}
	for _, a := range p.Arms {
		switch {
		case a.Name == "":
			return errors.New("an arm has no name")
		case arms[a.Name]:
			return fmt.Errorf("two arms are called %q", a.Name)
		}
		arms[a.Name] = true
	}
	for _, a := range p.Arms {
		if a.Of != "" && !arms[a.Of] {
			return fmt.Errorf("arm %q is compared with %q, which is none", a.Name, a.Of)
		}
	}
	for b, order := range p.Order {
		for _, name := range order {
			if !arms[name] {
				return fmt.Errorf("block %d has %q, which is no arm", b+1, name)
			}
		}
	}
	return nil
}

func (d Dir) saveJSON(name string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("bench: encode %s: %w", name, err)
	}
	return d.write(name, append(b, '\n'))
}

// write replaces a file at once: a killed harness leaves the old one or the new one, and never a part of one.
func (d Dir) write(name string, b []byte) error {
	temporary := d.Path("." + name)
	if err := errors.Join(os.WriteFile(temporary, b, 0o644), os.Rename(temporary, d.Path(name))); err != nil {
		return fmt.Errorf("bench: write %s: %w", name, err)
	}
	return nil
}

func (d Dir) read(name string) ([]byte, error) {
	f, err := os.Open(d.Path(name))
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxLine+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("bench: %w", err)
	case len(b) > maxLine:
		return nil, fmt.Errorf("bench: %s %w: larger than %d MiB: no Waybill wrote it", d.Path(name), ErrDamaged, maxLine>>20)
	}
	return b, nil
}
