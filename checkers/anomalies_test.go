package checkers

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"waybill/checkers/plant"
)

// row is a line of the page's tables.
type row struct{ source, file string }

// page reads the tables of the page below a heading.
func page(t *testing.T, heading string, columns int) map[string]row {
	t.Helper()
	b, err := os.ReadFile("../docs/anomalies.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(b), "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("the page has no %q", heading)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	rows := map[string]row{}
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		name := strings.TrimSpace(cells[0])
		if len(cells) != columns || strings.HasPrefix(name, "---") || name == "anomaly" || name == "count" {
			continue
		}
		rows[name] = row{cells[columns-2], strings.TrimSpace(cells[columns-1])}
	}
	return rows
}

// named collects what the package's files call an anomaly: by file, where the name itself is written.
func named(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]*ast.File{}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		if files[path], err = parser.ParseFile(token.NewFileSet(), path, nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	consts := map[string]string{}
	out := map[string]string{}
	for path, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == len(v.Names) {
				for i, name := range v.Names {
					if s, ok := literal(v.Values[i]); ok {
						consts[name.Name] = s
						if name.Name == stuck || name.Name == unavailable {
							out[s] = path
						}
					}
				}
			}
			return true
		})
	}
	for path, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			kv, ok := n.(*ast.KeyValueExpr)
			if !ok {
				return true
			}
			if key, ok := kv.Key.(*ast.Ident); !ok || key.Name != "anomaly" {
				return true
			}
			if s, ok := literal(kv.Value); ok {
				out[s] = path
			} else if id, ok := kv.Value.(*ast.Ident); ok && consts[id.Name] != "" {
				out[consts[id.Name]] = path
			}
			return true
		})
	}
	for _, name := range lostNames {
		out[name] = "lost.go"
	}
	out[vanishedGroup] = "vanished.go" // and that of one replica
	return out
}

func literal(e ast.Expr) (string, bool) {
	b, ok := e.(*ast.BasicLit)
	if !ok || b.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(b.Value)
	return s, err == nil
}

func TestThePageOfAnomaliesIsThoseOfTheCode(t *testing.T) {
	rows, code := page(t, "Findings", 4), named(t)
	if len(code) < 20 {
		t.Fatalf("only %d anomalies in the code: %v", len(code), code)
	}
	for name, file := range code {
		if r, ok := rows[name]; !ok {
			t.Errorf("%s: %q is not on the page", file, name)
		} else if r.file != file {
			t.Errorf("%q is in %s, and the page says %s", name, file, r.file)
		}
	}
	for name := range rows {
		if _, ok := code[name]; !ok {
			t.Errorf("the page has %q, which no check finds", name)
		}
	}
	for _, p := range plant.All() {
		if name, _, _ := strings.Cut(p.Anomaly, ": not on replica"); rows[name] == (row{}) {
			t.Errorf("%q is planted, and not on the page", p.Anomaly)
		}
	}
	planted := map[string]bool{}
	for _, p := range plant.All() {
		planted[p.Anomaly] = true
	}
	for name := range rows {
		if !planted[name] {
			t.Errorf("%q is never planted", name)
		}
	}
}

func TestThePageSaysWhatJepsenCallsAnAnomaly(t *testing.T) {
	rows := page(t, "Findings", 4)
	names := regexp.MustCompile("Jepsen `([a-zA-Z0-9-]+)`")
	for name, r := range rows {
		got := ""
		if m := names.FindStringSubmatch(r.source); m != nil {
			got = m[1]
		}
		if got != jepsenNames[name] {
			t.Errorf("%q: the page says %q, the code %q", name, got, jepsenNames[name])
		}
	}
}

func TestThePageHasTheCounts(t *testing.T) {
	rows := page(t, "Counts", 3)
	counted := map[string]bool{}
	for _, names := range shown {
		for _, name := range names {
			counted[name] = true
		}
	}
	for _, not := range []string{countDedupStore, countDedupEffect} { // what went well
		delete(counted, not)
	}
	if got, want := slices.Sorted(maps.Keys(rows)), slices.Sorted(maps.Keys(counted)); !slices.Equal(got, want) {
		t.Errorf("the page counts %q, the code %q", got, want)
	}
	for name, r := range rows {
		if _, err := os.Stat(r.file); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}
