package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/goccy/go-yaml"

	"waybill/harness/experiment"
	"waybill/harness/semantics"
)

// FileError is a file of a run directory that could be opened but not understood. Line and Column count from 1; 0: unknown.
type FileError struct {
	Path         string
	Line, Column int
	Err          error
}

func (e *FileError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("results: %s: %v", e.Path, e.Err)
	}
	return fmt.Sprintf("results: %s:%d:%d: %v", e.Path, e.Line, e.Column, e.Err)
}

func (e *FileError) Unwrap() error { return e.Err }

// maxFile bounds what a reader takes into memory, in bytes: a run directory may come from anywhere.
const maxFile = 64 << 20

// SaveExperiment writes experiment.yaml, replacing it whole.
func (d Dir) SaveExperiment(e experiment.Experiment) error { return d.saveYAML(experimentFile, e) }

// LoadExperiment reads experiment.yaml. What cannot be understood is a *FileError with its line and column.
func (d Dir) LoadExperiment() (experiment.Experiment, error) {
	var e experiment.Experiment
	return e, d.loadYAML(experimentFile, &e)
}

// SaveSchedule writes schedule.yaml, replacing it whole.
func (d Dir) SaveSchedule(s experiment.Schedule) error { return d.saveYAML(scheduleFile, s) }

// LoadSchedule reads schedule.yaml. What cannot be understood is a *FileError with its line and column.
func (d Dir) LoadSchedule() (experiment.Schedule, error) {
	var s experiment.Schedule
	return s, d.loadYAML(scheduleFile, &s)
}

// SaveManifest writes manifest.json, replacing it whole.
func (d Dir) SaveManifest(m Manifest) error { return d.saveJSON(manifestFile, m) }

// LoadManifest reads manifest.json. An error wraps ErrSchema when its schema is not ManifestSchema.
func (d Dir) LoadManifest() (Manifest, error) {
	var m Manifest
	return m, d.loadJSON(manifestFile, ManifestSchema, &m)
}

// SaveVerdict writes verdict.json, replacing it whole.
func (d Dir) SaveVerdict(v semantics.Verdict) error { return d.saveJSON(verdictFile, v) }

// LoadVerdict reads verdict.json. An error wraps ErrSchema when its schema is not semantics.VerdictSchema, and
// fs.ErrNotExist when the run was never audited.
func (d Dir) LoadVerdict() (semantics.Verdict, error) {
	var v semantics.Verdict
	return v, d.loadJSON(verdictFile, semantics.VerdictSchema, &v)
}

func (d Dir) saveYAML(name string, v any) error {
	b, err := yaml.MarshalWithOptions(v, yaml.IndentSequence(true))
	if err != nil {
		return fmt.Errorf("results: encode %s: %w", name, err)
	}
	return writeFile(d.Path(name), b)
}

func (d Dir) saveJSON(name string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("results: encode %s: %w", name, err)
	}
	return writeFile(d.Path(name), append(b, '\n'))
}

func (d Dir) loadYAML(name string, into any) error {
	b, err := readFile(d.Path(name))
	if err != nil {
		return err
	}
	return decodeYAML(d.Path(name), b, into)
}

func (d Dir) loadJSON(name string, schema int, into any) error {
	b, err := readFile(d.Path(name))
	if err != nil {
		return err
	}
	return decodeJSON(d.Path(name), b, schema, into)
}

// decodeYAML is strict: an unknown or repeated key is an error, since a misspelt setting would otherwise be silently dropped.
func decodeYAML(path string, b []byte, into any) (err error) {
	// The parser indexes into its input in many places; bytes from elsewhere must never end the program.
	defer func() {
		if p := recover(); p != nil {
			err = &FileError{Path: path, Err: fmt.Errorf("not YAML that can be parsed: %v", p)}
		}
	}()
	if len(bytes.TrimSpace(b)) == 0 {
		return &FileError{Path: path, Err: errors.New("the file is empty")}
	}
	err = yaml.NewDecoder(bytes.NewReader(b), yaml.Strict()).Decode(into)
	if err == nil {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return &FileError{Path: path, Err: errors.New("the file holds no document")}
	}
	var at yaml.Error
	if errors.As(err, &at) {
		e := &FileError{Path: path, Err: errors.New(at.GetMessage())}
		if t := at.GetToken(); t != nil && t.Position != nil {
			e.Line, e.Column = t.Position.Line, t.Position.Column
		}
		return e
	}
	return &FileError{Path: path, Err: err}
}

// decodeJSON checks the schema before anything else: a file of another version may not even have the same types.
func decodeJSON(path string, b []byte, schema int, into any) error {
	var head struct {
		Schema *int `json:"schema"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return jsonError(path, b, err)
	}
	if head.Schema == nil {
		return &FileError{Path: path, Err: fmt.Errorf("%w: the file states none; this Waybill reads %d", ErrSchema, schema)}
	}
	if *head.Schema != schema {
		return &FileError{Path: path, Err: fmt.Errorf("%w %d: this Waybill reads %d; read it with the version that wrote it", ErrSchema, *head.Schema, schema)}
	}
	if err := json.Unmarshal(b, into); err != nil {
		return jsonError(path, b, err)
	}
	return nil
}

func jsonError(path string, b []byte, err error) error {
	e := &FileError{Path: path, Err: err}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	offset := int64(-1)
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &kind):
		offset = kind.Offset
	}
	if offset >= 0 && offset <= int64(len(b)) {
		before := b[:offset]
		e.Line = 1 + bytes.Count(before, []byte("\n"))
		e.Column = max(1, len(before)-(bytes.LastIndexByte(before, '\n')+1))
	}
	return e
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	if len(b) > maxFile {
		return nil, &FileError{Path: path, Err: fmt.Errorf("larger than %d MiB: no Waybill wrote it", maxFile>>20)}
	}
	return b, nil
}

// writeFile replaces path at once, so that a killed harness leaves the old file or the new one and never a part of one.
func writeFile(path string, b []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("results: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("results: write %s: %w", path, err), os.Remove(f.Name()))
		}
	}()
	if _, err = f.Write(b); err != nil {
		return errors.Join(err, f.Close())
	}
	if err = f.Chmod(0o644); err != nil {
		return errors.Join(err, f.Close())
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
