// Package browsertest opens pages in a headless Chromium for tests, and notes what a page must never do: write errors to the console, ask the
// network for anything, let text of strangers act.
//
// It is the one place that starts a browser. It asserts little itself and draws nothing: a test looks at a page through a Tab, and what no
// method of it does is done with chromedp on its Context. Without a browser on PATH a test is skipped with a line that says so; with
// WAYBILL_REQUIRE=all it fails.
package browsertest

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"waybill/harness/lab/labtest"
)

// browsers are the names under which Chromium is found on PATH: on Debian that of the package, elsewhere those of its kin.
var browsers = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "headless-shell"}

// patience is how long one action in the browser may take: a machine that is busy is slow, and nothing may hang.
const patience = time.Minute

// Tab is one page in a browser of its own. Its methods end the test on an error of the browser. It is for one goroutine.
type Tab struct {
	t   testing.TB
	ctx context.Context

	mu       sync.Mutex
	console  []string
	requests []string
}

// Open starts a browser that ends with the test, and opens an empty page of the width of a laptop's screen.
func Open(t testing.TB) *Tab {
	t.Helper()
	path := find()
	labtest.Need(t, "pages in a browser: no Chromium is on PATH (Debian's package chromium)", path != "")
	home := t.TempDir()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.DisableGPU,
		// Chromium keeps a profile below HOME, and ends at once where there is none.
		chromedp.Env("HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home))
	ctx, end := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	t.Cleanup(end)
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	tab := &Tab{t: t, ctx: ctx}
	// The first action starts the browser, which lives as long as the context that it is given: so no deadline on this one.
	started := make(chan error, 1)
	go func() { started <- chromedp.Do(ctx) }()
	select {
	case err := <-started:
		if err != nil {
			t.Fatalf("browsertest: start %s: %v", path, err)
		}
	case <-time.After(patience):
		cancel()
		t.Fatalf("browsertest: %s did not start within %v", path, patience)
	}
	tab.listen()
	tab.Viewport(1280, 900)
	return tab
}

func find() string {
	for _, name := range browsers {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// listen notes what the page says and asks for, from now on.
func (b *Tab) listen() {
	messages := chromedp.Console(b.ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return // the browser has ended
			}
			b.mu.Lock()
			b.console = append(b.console, m.String())
			b.mu.Unlock()
		}
	}()
	err := chromedp.Listen(b.ctx, func(ev any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch e := ev.(type) {
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, "data:") {
				b.requests = append(b.requests, e.Request.URL)
			}
		case *page.EventJavascriptDialogOpening:
			b.console = append(b.console, "dialog: "+e.Message)
			go b.dismiss() // it keeps the page from going on
		}
	})
	if err != nil {
		b.t.Fatalf("browsertest: listen: %v", err)
	}
	b.Do(func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
		return err
	})
}

func (b *Tab) dismiss() {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	_, _ = chromedp.Call(ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{}) // the dialog was noted, and the browser may have ended
}

// Do runs f with a context of the page that ends after a while, for what has no method of its own.
func (b *Tab) Do(f func(ctx context.Context) error) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := f(ctx); err != nil {
		b.t.Fatalf("browsertest: %v", err)
	}
}

// Steps runs actions of chromedp one after another.
func (b *Tab) Steps(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	b.Do(func(ctx context.Context) error { return chromedp.Do(ctx, steps...) })
}

// Visit opens an address and waits until it is loaded; a path that begins with a slash is that of a file.
func (b *Tab) Visit(address string) {
	b.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = "file://" + address
	}
	b.Steps(chromedp.Navigate(address))
}

// Viewport sets the size of the window, in CSS pixels.
func (b *Tab) Viewport(width, height int) {
	b.t.Helper()
	b.Steps(chromedp.EmulateViewport(int64(width), int64(height)))
}

// Media shows the page as on "screen" or in "print", with colours preferred "light" or "dark".
func (b *Tab) Media(media, colours string) {
	b.t.Helper()
	b.Do(func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: media,
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: colours}}})
		return err
	})
}

// Offline takes the network away from the page, as on a train.
func (b *Tab) Offline() {
	b.t.Helper()
	b.Do(func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: true, DownloadThroughput: -1, UploadThroughput: -1})
		return err
	})
}

// Scripts permits the page to run scripts, or not, from the next Visit on.
func (b *Tab) Scripts(run bool) {
	b.t.Helper()
	b.Do(func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !run})
		return err
	})
}

// Press sends keys to what has the focus: text, or keys of chromedp/kb.
func (b *Tab) Press(keys string) {
	b.t.Helper()
	b.Steps(chromedp.KeyEvent(keys))
}

// Screenshot is the page from top to bottom, as PNG.
func (b *Tab) Screenshot() []byte {
	b.t.Helper()
	var png []byte
	b.Do(func(ctx context.Context) (err error) {
		png, err = chromedp.Run(ctx, chromedp.FullScreenshot(100))
		return err
	})
	return png
}

// Console is what was written to the console so far, errors of scripts and of the browser's policies among it.
func (b *Tab) Console() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.console)
}

// Requests are the addresses that were asked for so far, those of Visit among them; what the page itself holds is not asked for.
func (b *Tab) Requests() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.requests)
}

// Eval is the value of an expression of JavaScript in the page.
func Eval[T any](b *Tab, expression string) T {
	b.t.Helper()
	var got T
	b.Do(func(ctx context.Context) (err error) {
		if got, err = chromedp.Run(ctx, chromedp.Evaluate[T](expression)); err != nil {
			return fmt.Errorf("evaluate %s: %w", expression, err)
		}
		return nil
	})
	return got
}
