package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// mayImport says, for each package of the module, which others its non-test files may import: the direction of design, as built.
// A folder's entry holds for the folders below it. What is not listed may import nothing of the module.
var mayImport = map[string][]string{
	".":                      {"harness/cli", "harness/reexec", "targets/all"},
	"harness/cli":            {"harness/campaign", "harness/run", "harness/experiment", "harness/export", "harness/history", "harness/jepsen", "harness/semantics", "harness/lab", "nemesis", "targets", "results"},
	"harness/campaign":       {"harness/run", "harness/experiment", "harness/history", "harness/semantics", "checkers", "nemesis", "results", "targets", "workloads/ceiling"},
	"harness/run":            {"workloads", "harness/steady", "nemesis", "nemesis/disk", "nemesis/frames", "targets", "harness/experiment", "harness/history", "harness/lab", "harness/reexec"},
	"harness/experiment":     {"harness/semantics"},
	"harness/export":         {"harness/experiment", "harness/history", "harness/semantics"},
	"harness/jepsen":         {"harness/edn", "harness/experiment", "harness/history", "harness/semantics"},
	"harness/lab":            {"harness/filelock", "harness/reexec", "harness/lab"},
	"workloads":              {"harness/experiment", "harness/history", "targets"},
	"workloads/ceiling":      {"workloads", "harness/experiment", "harness/history", "harness/semantics", "targets"},
	"nemesis":                {"harness/experiment", "harness/history", "harness/semantics", "nemesis/frames"},
	"nemesis/frames":         {"harness/reexec"},
	"nemesis/disk":           {"harness/reexec"},
	"targets":                {"harness/history", "harness/lab", "harness/semantics"},
	"targets/kafka":          {"targets", "targets/maven", "targets/provision", "harness/history", "harness/lab", "harness/reexec", "harness/semantics"},
	"targets/rabbitmq":       {"targets", "targets/maven", "targets/provision", "harness/history", "harness/lab", "harness/reexec", "harness/semantics"},
	"targets/nats":           {"targets", "targets/provision", "harness/history", "harness/lab", "harness/reexec", "harness/semantics"},
	"targets/planted":        {"targets", "harness/history", "harness/lab", "harness/reexec", "harness/semantics"},
	"targets/planted/matrix": {"targets", "targets/planted", "harness/campaign", "harness/history", "harness/semantics", "results"},
	"targets/targettest":     {"targets", "harness/history", "harness/lab", "harness/reexec", "harness/semantics"},
	"targets/all":            {"targets"},
	"targets/provision":      {"harness/filelock"},
	"targets/maven":          {"targets", "targets/provision"},
	"checkers":               {"checkers", "harness/experiment", "harness/history", "harness/semantics"},
	"results":                {"results", "checkers/linear", "harness/experiment", "harness/history", "harness/semantics"},

	"results/page/browsertest": {"harness/lab"},
}

func TestImportsPointOneWay(t *testing.T) {
	const module = "waybill/"
	seen := map[string]bool{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && file != "." || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		pkg := filepath.ToSlash(filepath.Dir(file))
		seen[pkg] = true
		for _, spec := range f.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if to, ours := strings.CutPrefix(imported, module); ours && !allowed(pkg, to) {
				t.Errorf("%s imports %s: that is not the direction; see mayImport", file, to)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range mayImport {
		if !seen[pkg] {
			t.Errorf("mayImport names %s, which has no Go files: take it out", pkg)
		}
	}
}

// allowed looks the importing package up, then the folders above it.
func allowed(pkg, to string) bool {
	for at := pkg; ; at = path.Dir(at) {
		list, listed := mayImport[at]
		if listed {
			for _, x := range list {
				// Only targets/all may name a broker's package: "targets" stands for the contract alone.
				if x == to || x != "targets" && strings.HasPrefix(to, x+"/") || pkg == "targets/all" && strings.HasPrefix(to, "targets/") {
					return true
				}
			}
			return false
		}
		if at == "." || at == "/" {
			return false
		}
	}
}
