package page

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"waybill/results/page/browsertest"
)

func TestPagesAreSoundInABrowser(t *testing.T) {
	b := browsertest.Open(t)
	compared := func(c Comparison) []byte {
		var out bytes.Buffer
		if err := WriteComparison(&out, c); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	for _, c := range []struct {
		name string
		page []byte
	}{
		{"a benchmark", struck()},
		{"a benchmark of hostile names", strange()},
		{"a comparison with a baseline", compared(sampleComparison(true))},
		{"a comparison of hostile runs", compared(hostileComparison())},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "page.html")
			if err := os.WriteFile(path, c.page, 0o644); err != nil {
				t.Fatal(err)
			}
			browsertest.Sound(t, b, path)
		})
	}
}
