package results

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

var (
	// ErrNotRunDir marks a path that is no run directory, or lacks a part that every run directory has.
	ErrNotRunDir = errors.New("not a run directory")
	// ErrSchema marks a file written by a Waybill whose schema this one does not know.
	ErrSchema = errors.New("unknown schema")
)

// Names of what lies in a run directory.
const (
	experimentFile = "experiment.yaml"
	scheduleFile   = "schedule.yaml"
	manifestFile   = "manifest.json"
	verdictFile    = "verdict.json"
	reportFile     = "report.html"
	junitFile      = "junit.xml"
	historyDir     = "history"
	brokersDir     = "brokers"
	plotsDir       = "plots"
)

// Dir is the directory of one run.
type Dir string

// dirAttempts bounds how many names NewDir tries within one second of one seed.
const dirAttempts = 1000

var targetName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*$`)

// NewDir makes parent/TARGET/20261121T081500Z-SEED with its history and brokers folders. The last element is made
// exclusively: when it exists, -2, -3 and so on are appended, so two runs that start in one second get directories of their own.
func NewDir(parent, target string, at time.Time, seed uint64) (Dir, error) {
	if !targetName.MatchString(target) {
		return "", fmt.Errorf("results: %q cannot name a folder: a target is lower-case letters, digits, dots, - and _", target)
	}
	above := filepath.Join(parent, target)
	if err := os.MkdirAll(above, 0o755); err != nil {
		return "", fmt.Errorf("results: make the folder of runs: %w", err)
	}
	base := filepath.Join(above, fmt.Sprintf("%s-%d", at.UTC().Format("20060102T150405Z"), seed))
	for i := 1; i <= dirAttempts; i++ {
		path := base
		if i > 1 {
			path = fmt.Sprintf("%s-%d", base, i)
		}
		err := os.Mkdir(path, 0o755)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("results: make a run directory: %w", err)
		}
		d := Dir(path)
		for _, sub := range []string{d.History(), d.Brokers()} {
			if err := os.Mkdir(sub, 0o755); err != nil {
				return "", fmt.Errorf("results: make a run directory: %w", err)
			}
		}
		return d, nil
	}
	return "", fmt.Errorf("results: %s and %d more names are taken: remove old runs or choose another folder", base, dirAttempts-1)
}

// OpenDir checks that path looks like a run directory whose audit can be attempted. Errors wrap ErrNotRunDir when a part
// is missing, and ErrSchema when the manifest was written by a newer Waybill.
func OpenDir(path string) (Dir, error) {
	if path == "" {
		return "", fmt.Errorf("results: no path given: %w", ErrNotRunDir)
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("results: %w: %w", ErrNotRunDir, err)
	}
	if !info.IsDir() {
		return "", fmt.Errorf("results: %s is %w but a file: want the folder that holds %s", path, ErrNotRunDir, wantedParts)
	}
	d := Dir(path)
	var missing []string
	for _, part := range []string{experimentFile, scheduleFile, manifestFile, historyDir} {
		info, err := os.Stat(d.Path(part))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing = append(missing, part)
		case err != nil:
			return "", fmt.Errorf("results: %w", err)
		case info.IsDir() != (part == historyDir):
			return "", fmt.Errorf("results: %s is %w: %s should be %s", path, ErrNotRunDir, part, kindOf(part))
		}
	}
	if len(missing) > 0 {
		return "", fmt.Errorf("results: %s is %w: it lacks %s; one holds %s", path, ErrNotRunDir, strings.Join(missing, ", "), wantedParts)
	}
	if _, err := d.LoadManifest(); err != nil {
		return "", err
	}
	return d, nil
}

const wantedParts = experimentFile + ", " + scheduleFile + ", " + manifestFile + " and " + historyDir + "/"

func kindOf(part string) string {
	if part == historyDir {
		return "a folder"
	}
	return "a file"
}

// Path is the path of something in the directory.
func (d Dir) Path(elem ...string) string {
	return filepath.Join(append([]string{string(d)}, elem...)...)
}

// History is the folder of the segments.
func (d Dir) History() string { return d.Path(historyDir) }

// Brokers is the folder of what brokers left: a folder a node, with effective configuration and logs.
func (d Dir) Brokers() string { return d.Path(brokersDir) }

// Plots is the folder of the plots, made by WriteReport.
func (d Dir) Plots() string { return d.Path(plotsDir) }

// Report is the path of the HTML report.
func (d Dir) Report() string { return d.Path(reportFile) }

// JUnit is the path of the JUnit file.
func (d Dir) JUnit() string { return d.Path(junitFile) }
