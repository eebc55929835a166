package results

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"

	"waybill/harness/experiment"
	"waybill/harness/semantics"
)

// seed adds the bytes of good files of a run directory, and of bad ones.
func seed(f *testing.F, names ...string) {
	d := wholeDir(f)
	v, e := sampleVerdict(), sampleExperiment()
	v.Lanes, v.Episodes, v.Findings, e.Lanes = v.Lanes[1:2], v.Episodes[:1], v.Findings[:1], e.Lanes[1:2] // small seeds mutate better
	v.Lanes[0].Cells = v.Lanes[0].Cells[:2]
	if err := errors.Join(d.SaveVerdict(v), d.SaveExperiment(e)); err != nil {
		f.Fatal(err)
	}
	for _, n := range names {
		b, err := os.ReadFile(d.Path(n))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, s := range []string{"", "{", "null", "[]", "a: &a [*a]", "? : ", "- - -", "\xff\xfe", "!!binary x", "lanes: [{mode: {promises: [{stage: 9}]}}]",
		`{"schema":1,"lanes":[{"cells":[{"stage":"stored","guarantee":"none","episode":-1}]}]}`} {
		f.Add([]byte(s))
	}
}

// FuzzYAML holds that bytes called experiment or schedule either decode or are an error that names the file.
func FuzzYAML(f *testing.F) {
	seed(f, experimentFile, scheduleFile)
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, into := range []any{new(experiment.Experiment), new(experiment.Schedule)} {
			var at *FileError
			if err := decodeYAML("x.yaml", b, into); err != nil && !errors.As(err, &at) {
				t.Errorf("error %v: want a FileError", err)
			}
		}
	})
}

// FuzzJSON holds the same of verdict and manifest, and that every view can draw whatever verdict decodes.
func FuzzJSON(f *testing.F) {
	seed(f, verdictFile, manifestFile)
	f.Fuzz(func(t *testing.T, b []byte) {
		var at *FileError
		var m Manifest
		if err := decodeJSON("m.json", b, ManifestSchema, &m); err != nil && !errors.As(err, &at) {
			t.Errorf("error %v: want a FileError", err)
		}
		var v semantics.Verdict
		if err := decodeJSON("v.json", b, semantics.VerdictSchema, &v); err != nil {
			if !errors.As(err, &at) {
				t.Errorf("error %v: want a FileError", err)
			}
			return
		}
		for _, width := range []int{0, 1, 80} {
			if err := Matrix(io.Discard, v, TermOptions{Width: width}); err != nil {
				t.Error(err)
			}
		}
		if err := JUnit(io.Discard, v, "DIR"); err != nil {
			t.Error(err)
		}
		p := newPage("runs/x", v, Timeline{}, experiment.Experiment{}, experiment.Schedule{}, m)
		var page bytes.Buffer
		if err := reportTemplate.Execute(&page, p); err != nil {
			t.Error(err)
		}
	})
}
