package page

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"waybill/results/page/browsertest"
)

// TestPagesForTheEye writes the pages of the samples to a folder, with pictures of them, to be looked at.
func TestPagesForTheEye(t *testing.T) {
	dir := os.Getenv("WAYBILL_PAGE_DIR")
	if dir == "" {
		t.Skip("writes pages and pictures to WAYBILL_PAGE_DIR, which is not set")
	}
	b := browsertest.Open(t)
	var compared bytes.Buffer
	if err := WriteComparison(&compared, sampleComparison(true)); err != nil {
		t.Fatal(err)
	}
	for name, page := range map[string][]byte{"bench": struck(), "hostile": strange(), "quick": quick(), "compare": compared.Bytes()} {
		path := filepath.Join(dir, name+".html")
		if err := os.WriteFile(path, page, 0o644); err != nil {
			t.Fatal(err)
		}
		for _, v := range []struct {
			media, colours string
			width          int
		}{{"screen", "light", 360}, {"screen", "dark", 360}, {"screen", "light", 1600}, {"screen", "dark", 1600}, {"print", "light", 760}} {
			b.Viewport(v.width, 1000)
			b.Media(v.media, v.colours)
			b.Visit(path)
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%s-%s-%d.png", name, v.media, v.colours, v.width)), b.Screenshot(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}
