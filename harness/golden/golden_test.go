package golden

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// witness is a test that notes its failure instead of failing.
type witness struct {
	testing.TB
	said   string
	failed bool
}

func (w *witness) Helper() {}

func (w *witness) Errorf(format string, args ...any) { w.failed, w.said = true, w.said+format }

func (w *witness) Fatalf(format string, args ...any) { w.Errorf(format, args...) }

func TestOnlyTheSameBytesPass(t *testing.T) {
	path := filepath.Join(t.TempDir(), "made", "text")
	for _, c := range []struct {
		name  string
		got   string
		write bool
		fails string
	}{
		{"a file that is not there", "a\n", false, "make it with -update"},
		{"written with -update", "a\n", true, ""},
		{"the same", "a\n", false, ""},
		{"without the last newline", "a", false, "differs"},
		{"something else", "b\n", false, "differs"},
	} {
		w := &witness{TB: t}
		compare(w, path, []byte(c.got), c.write)
		if w.failed != (c.fails != "") || !strings.Contains(w.said, c.fails) {
			t.Errorf("%s: failed %v, said %q; want %q", c.name, w.failed, w.said, c.fails)
		}
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "a\n" {
		t.Errorf("the file holds %q, %v: only -update may write it", b, err)
	}
}
