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
	reexecPath  = "waybill/harness/reexec"
)

// uses is what the tests of a package do with labtest and reexec.
type uses struct {
	labtest  bool // import it
	run      bool // call labtest.Run
	main     bool // call labtest.Main in TestMain
	dispatch bool // call reexec.Dispatch in TestMain
}

// sound is the rule without which a test binary, re-executed, would run its tests again instead of the program that it
// was started as. Run re-executes the tests themselves, and so needs Main; tests that enter labs with programs of their
// own need the programs dispatched.
func (u uses) sound() bool { return !u.labtest || u.main || u.dispatch && !u.run }

func (u uses) and(v uses) uses {
	return uses{u.labtest || v.labtest, u.run || v.run, u.main || v.main, u.dispatch || v.dispatch}
}

func TestEveryPackageThatTestsInLabsDispatches(t *testing.T) {
	root := moduleRoot(t)
	packages := map[string]uses{} // by folder
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
		dir := filepath.Dir(path)
		packages[dir] = packages[dir].and(inspect(t, path, source))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	users := 0
	for dir, u := range packages {
		if u.labtest {
			users++
		}
		if !u.sound() {
			t.Errorf("%s: its tests use labtest (%+v): add func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }", dir, u)
		}
	}
	if users < 2 {
		t.Fatalf("only %d packages found that use labtest: the search is wrong", users)
	}
}

func TestTheRuleSeesWhatIsForgotten(t *testing.T) {
	const head = "package p\nimport (\"os\"; \"testing\"; lt \"" + labtestPath + "\"; \"" + reexecPath + "\")\n"
	const run, hold = "\nfunc TestX(t *testing.T) { lt.Run(t, nil) }", "\nfunc TestX(t *testing.T) { lt.Hold(t) }"
	for _, c := range []struct {
		claim, source string
		sound         bool
	}{
		{"Main serves Run, under another name of the import too", head + "func TestMain(m *testing.M) { os.Exit(lt.Main(m)) }" + run, true},
		{"a TestMain that calls neither serves nothing", head + "func TestMain(m *testing.M) { os.Exit(m.Run()) }" + hold, false},
		{"nor does no TestMain", head + hold, false},
		{"nor does a call elsewhere", head + "func TestY(t *testing.T) { _ = lt.Main(nil) }" + hold, false},
		{"Dispatch serves tests that enter labs themselves", head + "func TestMain(m *testing.M) { reexec.Dispatch(); os.Exit(m.Run()) }" + hold, true},
		{"but not Run", head + "func TestMain(m *testing.M) { reexec.Dispatch(); os.Exit(m.Run()) }" + run, false},
		{"a package without labtest is not concerned", "package p\nimport \"testing\"\nfunc TestX(t *testing.T) {}", true},
	} {
		if u := inspect(t, "x_test.go", []byte(c.source)); u.sound() != c.sound {
			t.Errorf("%s: %+v", c.claim, u)
		}
	}
}

// inspect finds what one file does.
func inspect(t *testing.T, path string, source []byte) uses {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	imports := map[string]string{} // path by the name it has in the file
	for _, i := range file.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		name := p[strings.LastIndexByte(p, '/')+1:]
		if i.Name != nil {
			name = i.Name.Name
		}
		imports[name] = p
	}
	var u uses
	for _, p := range imports {
		u.labtest = u.labtest || p == labtestPath
	}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		inMain := f.Recv == nil && f.Name.Name == "TestMain"
		ast.Inspect(f.Body, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := s.X.(*ast.Ident); ok {
				from := imports[x.Name]
				u.run = u.run || from == labtestPath && s.Sel.Name == "Run"
				u.main = u.main || inMain && from == labtestPath && s.Sel.Name == "Main"
				u.dispatch = u.dispatch || inMain && from == reexecPath && s.Sel.Name == "Dispatch"
			}
			return true
		})
	}
	return u
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
