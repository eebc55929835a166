package browsertest

import (
	"fmt"
	"strings"
	"testing"
)

// told collects errors in place of a test.
type told struct {
	testing.TB
	errors []string
}

func (r *told) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

func (r *told) Error(args ...any) { r.errors = append(r.errors, fmt.Sprint(args...)) }

// good is a page that Sound has nothing to say about.
const good = `<!DOCTYPE html><title>good</title><link rel="icon" href="data:,"><style>
body { background: #fff; margin: 0 } @media screen and (prefers-color-scheme: dark) { body { background: #000 } }
.scroll { overflow-x: auto } a:focus-visible, summary:focus-visible, button:focus-visible, .scroll:focus-visible { outline: 2px solid blue }
@media print { details::details-content { content-visibility: visible; block-size: auto; display: block } }</style>
<main><a href="#x">a link</a><p>Forty letters are needed, and here they are, and more.</p><details><summary>folded</summary><p>text</p></details>
<div class="scroll" tabindex="0"><table class="sortable" style="width: 900px"><thead><tr><th>name</th></tr></thead><tbody><tr><td>b</td></tr><tr><td>c</td></tr><tr><td>a</td></tr></tbody></table></div></main>
<script>const t = document.querySelector('table'), h = t.tHead.rows[0].cells[0]; const b = document.createElement('button'); b.append(...h.childNodes); h.append(b);
b.onclick = () => { const up = h.getAttribute('aria-sort') !== 'ascending'; h.setAttribute('aria-sort', up ? 'ascending' : 'descending');
const rows = Array.from(t.tBodies[0].rows).sort((x, y) => (up ? 1 : -1) * x.textContent.localeCompare(y.textContent)); t.tBodies[0].append(...rows); };</script>`

func TestSoundFindsWhatIsWrongWithAPage(t *testing.T) {
	b := Open(t)
	for _, c := range []struct{ claim, old, new, want string }{
		{"nothing", "", "", ""},
		{"wider than a phone", `<p>Forty`, `<p style="width: 500px">Forty`, "is 500 wide: P."},
		{"focus unseen", `a:focus-visible, `, `a:focus-visible { outline: none } `, "does not see that the focus is on"},
		{"out of the tabulator's way", `href="#x"`, `href="#x" tabindex="-1"`, "does not lead to 1 of"},
		{"a box that scrolls and has no focus", `class="scroll" tabindex="0"`, `class="scroll"`, "1 boxes scroll"},
		{"a head that is no button", `h.append(b)`, `0`, "no button"},
		{"the wrong way round", `(up ? 1 : -1)`, `(up ? -1 : 1)`, "sorted descending, the rows begin"},
		{"rows lost", `const rows =`, `t.tBodies[0].rows[0].remove(); const rows =`, "sorting changed the rows"},
		{"no dark", `background: #000`, `color: #000`, "where dark is preferred"},
		{"dark on paper", `@media screen and`, `@media all and`, "in print the ground"},
		{"folded on paper", `content-visibility: visible`, `color: black`, `under ["folded"]`},
		{"a text that was run", `<main>`, `<main><img src="data:," onerror="window.hostile = 1">`, "was run"},
		{"a dialog", `<main>`, `<main><script>alert("boo")</script>`, "dialog: boo"},
		{"a request", `<main>`, `<main><img src="http://192.0.2.1/x.png">`, "asks for http://192.0.2.1/x.png"},
		{"an error", `<main>`, `<main><script>throw new Error("oh")</script>`, "oh"},
		{"nothing without the script", `<main>`, `<main hidden><script>document.querySelector('main').hidden = false</script>`, "without scripts the page says"},
	} {
		t.Run(c.claim, func(t *testing.T) {
			r := &told{TB: t}
			b.mu.Lock()
			b.console = nil
			b.mu.Unlock()
			Sound(r, b, saved(t, strings.Replace(good, c.old, c.new, 1)))
			if got := strings.Join(r.errors, "\n"); !strings.Contains(got, c.want) || c.want == "" && got != "" {
				t.Errorf("told %q, want %q", got, c.want)
			}
		})
	}
}
