package labtest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const (
	labtestPath = "waybill/harness/lab/labtest"
)

// TestEveryPackageThatTestsInLabsCallsMain holds the rule without which a test binary, re-executed, would run its tests
// again instead of the program that it was started as.
func TestEveryPackageThatTestsInLabsCallsMain(t *testing.T) {
	root := moduleRoot(t)
	users := map[string]bool{} // folders whose tests import labtest; true if TestMain calls Main
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "bin") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		imports, calls := inspect(t, path, source)
		if dir := filepath.Dir(path); imports {
			users[dir] = users[dir] || calls
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(users) < 2 {
		t.Fatalf("only %d packages found that use labtest: the search is wrong", len(users))
	}
	for dir, calls := range users {
		if !calls {
			t.Errorf("%s: its tests use labtest: add func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }", dir)
		}
	}
}

func TestTheRuleSeesTestMainsThatForgetMain(t *testing.T) {
	const head = "package p\nimport (\"os\"; \"testing\"; lt \"" + labtestPath + "\")\n"
	for _, c := range []struct {
		claim, source  string
		imports, calls bool
	}{
		{"a call under another name of the import counts", head + "func TestMain(m *testing.M) { os.Exit(lt.Main(m)) }", true, true},
		{"a TestMain without the call does not", head + "func TestMain(m *testing.M) { os.Exit(m.Run()) }\nvar _ = lt.Run", true, false},
		{"nor does a call elsewhere", head + "func TestX(t *testing.T) { _ = lt.Main(nil) }", true, false},
		{"a package without labtest is not concerned", "package p\nimport \"testing\"\nfunc TestX(t *testing.T) {}", false, false},
	} {
		imports, calls := inspect(t, "x_test.go", []byte(c.source))
		if imports != c.imports || calls != c.calls {
			t.Errorf("%s: imports %v, calls %v", c.claim, imports, calls)
		}
	}
}

// inspect reports whether a file imports labtest, and whether its TestMain calls labtest.Main.
func inspect(t *testing.T, path string, source []byte) (imports, calls bool) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	name := ""
	for _, i := range file.Imports {
		if p, err := strconv.Unquote(i.Path.Value); err == nil && p == labtestPath {
			name = "labtest"
			if i.Name != nil {
				name = i.Name.Name
			}
		}
	}
	if name == "" {
		return false, false
	}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Name.Name != "TestMain" || f.Body == nil {
			continue
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "Main" {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == name {
					calls = true
				}
			}
			return true
		})
	}
	return true, calls
}

func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if filepath.Dir(dir) == dir {
			t.Fatal("no go.mod above this folder: run the test in the source tree")
		}
		dir = filepath.Dir(dir)
	}
}
