package browsertest

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// Sound reads a self-contained page as people do, and fails the test where it does what none of ours may: say anything to the console, ask for
// anything, let text of others act, be wider than a phone, hide something from the keyboard or from paper, or need its script. A text that was
// made to act is to set window.hostile or to open a dialog.
func Sound(t testing.TB, b *Tab, path string) {
	t.Helper()
	asked := len(b.Requests())
	b.Offline()
	b.Scripts(true)
	b.Media("screen", "light")
	b.Viewport(360, 740)
	b.Visit(path)
	if w := Eval[int](b, "document.documentElement.scrollWidth"); w > 360 {
		t.Errorf("on a screen of 360 pixels the page is %d wide: %s", w, Eval[string](b, widest))
	}
	keyboard(t, b)
	sorting(t, b)
	ground := `getComputedStyle(document.body).backgroundColor`
	light := Eval[string](b, ground)
	b.Media("screen", "dark")
	if got := Eval[string](b, ground); got == light {
		t.Errorf("the page is as light (%s) where dark is preferred", got)
	}
	b.Media("print", "dark")
	if got := Eval[string](b, ground); got != light {
		t.Errorf("in print the ground is %s, want %s as in the light", got, light)
	}
	if folded := Eval[[]string](b, unprinted); len(folded) > 0 {
		t.Errorf("not on paper: what is folded under %q", folded)
	}
	b.Media("screen", "light")
	if Eval[bool](b, "'hostile' in window") {
		t.Error("a text of others was run")
	}
	b.Scripts(false)
	b.Visit(path)
	if text := Eval[string](b, "((m) => m.checkVisibility() ? m.innerText : '')(document.querySelector('main'))"); len(text) < 40 {
		t.Errorf("without scripts the page says %q", text)
	}
	if n := Eval[int](b, "document.querySelectorAll('th button').length"); n != 0 {
		t.Errorf("without scripts %d heads are buttons that do nothing", n)
	}
	b.Scripts(true)
	if said := b.Console(); len(said) > 0 {
		t.Errorf("the console has %q", said)
	}
	for _, r := range b.Requests()[asked:] {
		if !strings.HasSuffix(r, path) {
			t.Errorf("the page asks for %s", r)
		}
	}
}

// widest names the elements that reach over the edge.
const widest = `Array.from(document.body.querySelectorAll('*')).filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll, svg'))
  .slice(0, 5).map((e) => e.tagName + '.' + e.className).join(', ')`

// unprinted are the summaries of what is folded and stays so in print. Those of one name open one at a time, in the manner of a menu.
const unprinted = `Array.from(document.querySelectorAll('details:not([name])')).filter((d) => d.checkVisibility() &&
  !Array.from(d.children).some((c) => c.tagName !== 'SUMMARY' && c.checkVisibility() && c.getBoundingClientRect().height > 0))
  .map((d) => d.querySelector('summary').textContent.trim())`

// Elements that can be focused, and a note of those that were, with the marks by which one sees it.
const (
	focusable = `globalThis.focusable = Array.from(document.querySelectorAll('a[href], button, summary, input, select, textarea, [tabindex="0"]'))
  .filter((e) => e.checkVisibility({ visibilityProperty: true }) && !e.disabled);`
	noteFocus = `(() => { ` + focusable + ` globalThis.focused = new Map();
  document.addEventListener('focusin', (e) => focused.set(e.target, getComputedStyle(e.target).outlineStyle + getComputedStyle(e.target).boxShadow));
  document.activeElement.blur(); return focusable.length; })()`
	name    = `((e) => e.tagName + ' ' + e.textContent.trim().slice(0, 40))`
	missed  = `focusable.filter((e) => !focused.has(e)).map(` + name + `)`
	unseen  = `Array.from(focused).filter(([, mark]) => mark === 'nonenone').map(([e]) => ` + name + `(e))`
	scrolls = `Array.from(document.querySelectorAll('.scroll')).filter((e) => e.checkVisibility() && e.scrollWidth > e.clientWidth && e.tabIndex !== 0).length`
)

// keyboard goes through the page with the tabulator.
func keyboard(t testing.TB, b *Tab) {
	t.Helper()
	n := Eval[int](b, noteFocus)
	b.Press(strings.Repeat(kb.Tab, n+2))
	if got := Eval[[]string](b, missed); len(got) > 0 {
		t.Errorf("the tabulator does not lead to %d of %d elements: %q", len(got), n, got[:min(5, len(got))])
	}
	if got := Eval[[]string](b, unseen); len(got) > 0 {
		t.Errorf("one does not see that the focus is on %q", got[:min(5, len(got))])
	}
	if got := Eval[int](b, scrolls); got > 0 {
		t.Errorf("%d boxes scroll that the keyboard does not reach", got)
	}
}

// sorting presses Enter on the head of the first sortable table that has rows to sort.
func sorting(t testing.TB, b *Tab) {
	t.Helper()
	const table = `globalThis.sorted = Array.from(document.querySelectorAll('table.sortable')).find((x) => x.checkVisibility() && x.tBodies[0].rows.length > 2)`
	if !Eval[bool](b, `!!(`+table+`)`) {
		return
	}
	const column = `Array.from(sorted.tBodies[0].rows, (r) => r.cells[sorted.column]?.dataset.key ?? r.cells[sorted.column].textContent.trim())`
	if !Eval[bool](b, `(() => { const b = sorted.tHead.querySelector('th.first button') ?? sorted.tHead.querySelector('button');
  if (!b) return false; sorted.column = b.closest('th').cellIndex; b.focus(); return true; })()`) {
		t.Error("a sortable table has no button in its head")
		return
	}
	before := Eval[[]string](b, column)
	for _, want := range []string{"ascending", "descending"} {
		b.Press(kb.Enter)
		if got := Eval[string](b, `document.activeElement.closest('th')?.getAttribute('aria-sort') ?? 'the focus is gone'`); got != want {
			t.Errorf("after Enter on a head the table is sorted %q, want %s", got, want)
		}
	}
	after := Eval[[]string](b, column)
	if slices.Sort(before); !slices.Equal(slices.Sorted(slices.Values(after)), before) {
		t.Errorf("sorting changed the rows: %q, before %q", after, before)
	}
	if len(after) > 1 && Eval[int](b, `(([first, last]) => isNaN(first) ? first.localeCompare(last, 'en', {numeric: true}) : first - last)([`+column+`[0], `+column+`.at(-1)])`) < 0 {
		t.Errorf("sorted descending, the rows begin %q", after)
	}
}
