package results

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"waybill/harness/golden"
	"waybill/harness/semantics"
)

func matrix(t *testing.T, v semantics.Verdict, opt TermOptions) string {
	t.Helper()
	var b bytes.Buffer
	if err := Matrix(&b, v, opt); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestMatrixGolden(t *testing.T) {
	for _, width := range []int{80, 100} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			got := matrix(t, sampleVerdict(), TermOptions{Width: width, Report: "results/runs/nats/20261121T081500Z-42/report.html",
				Dir: "results/runs/nats/20261121T081500Z-42"})
			golden.Compare(t, fmt.Sprintf("matrix-%d.txt", width), []byte(got))
		})
	}
	golden.Compare(t, "matrix-color.txt", []byte(matrix(t, sampleVerdict(), TermOptions{Color: true, Width: 100})))
}

func TestNoLineOfTheMatrixIsWiderThanAsked(t *testing.T) {
	for _, width := range []int{60, 80, 100, 140} {
		for i, l := range strings.Split(matrix(t, sampleVerdict(), TermOptions{Width: width}), "\n") {
			if n := utf8.RuneCountInString(l); n > width {
				t.Errorf("width %d: line %d has %d columns: %q", width, i+1, n, l)
			}
		}
	}
}
