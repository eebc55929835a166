package browsertest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"
)

func saved(t *testing.T, html string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(path, []byte(html), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWhatAPageMustNotDoIsNoticed(t *testing.T) {
	b := Open(t)
	quiet := saved(t, `<!DOCTYPE html><title>quiet</title><link rel="icon" href="data:,"><button id="one">one</button><img src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>">`)
	b.Visit(quiet)
	b.Press(kb.Tab)
	if got := Eval[string](b, "document.activeElement.id"); got != "one" {
		t.Errorf("Tab leads to %q, want the button", got)
	}
	if got := b.Console(); len(got) != 0 {
		t.Errorf("a quiet page writes %q", got)
	}
	if got := b.Requests(); !slices.Equal(got, []string{"file://" + quiet}) {
		t.Errorf("a page that holds all it needs asks for %q", got)
	}

	b.Offline()
	b.Visit(saved(t, `<!DOCTYPE html><meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; img-src http:">
<title>loud</title><script>console.warn("wary"); throw new Error("thrown")</script><img src="http://192.0.2.1/x.png"><p onclick="1" style="color: red">x</p>`))
	for _, want := range []string{"warning: wary", "thrown", "Content Security Policy"} {
		within(t, "the console has "+want, func() bool { return strings.Contains(strings.Join(b.Console(), "\n"), want) })
	}
	within(t, "the request for an image is noted", func() bool { return slices.Contains(b.Requests(), "http://192.0.2.1/x.png") })
}

func TestAPageIsSeenAsAskedFor(t *testing.T) {
	b := Open(t)
	b.Viewport(360, 640)
	b.Media("print", "dark")
	b.Visit(saved(t, `<!DOCTYPE html><title>t</title><p style="height: 3000px">x</p>`))
	for expression, want := range map[string]bool{
		"innerWidth === 360":                                 true,
		"matchMedia('print').matches":                        true,
		"matchMedia('screen').matches":                       false,
		"matchMedia('(prefers-color-scheme: dark)').matches": true,
	} {
		if got := Eval[bool](b, expression); got != want {
			t.Errorf("%s is %v", expression, got)
		}
	}
	if png := b.Screenshot(); !strings.HasPrefix(string(png), "\x89PNG") {
		t.Errorf("the screenshot begins %.8q", png)
	}
}

// within waits for what the browser reports in its own time.
func within(t *testing.T, claim string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(time.Minute); !holds(); {
		select {
		case <-tick.C:
		case <-end:
			t.Errorf("not after ten seconds: %s", claim)
			return
		}
	}
}
