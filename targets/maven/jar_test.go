package maven

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSumsAreReadAsWritten(t *testing.T) {
	js := []jar{{"a.jar", 0, strings.Repeat("0", 64)}, {"b.jar", 1 << 40, strings.Repeat("f", 64)}}
	got, err := parseSums(sumsText(js))
	if diff := cmp.Diff(js, got, cmp.AllowUnexported(jar{})); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func FuzzParseSums(f *testing.F) {
	f.Add(sumsText([]jar{{"a.jar", 10, strings.Repeat("0", 64)}}))
	f.Add("x y\n")
	f.Fuzz(func(t *testing.T, text string) {
		js, err := parseSums(text)
		if err != nil {
			return
		}
		again, err := parseSums(sumsText(js))
		if diff := cmp.Diff(js, again, cmp.AllowUnexported(jar{})); err != nil || diff != "" {
			t.Error(err, diff)
		}
	})
}
