package disk

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// shell does simple things to a volume by path.
type shell struct {
	t *testing.T
	v *volume
}

func (s shell) at(path string) (dir *node, name string, release func()) {
	s.t.Helper()
	dir = s.v.root
	s.v.hold(dir)
	parts := strings.Split(path, "/")
	for _, part := range parts[:len(parts)-1] {
		next, err := s.v.lookup(dir, part)
		must(s.t, err)
		s.v.release(dir, 1)
		dir = next
	}
	return dir, parts[len(parts)-1], func() { s.v.release(dir, 1) }
}

func (s shell) do(line string) {
	s.t.Helper()
	words := strings.Fields(line)
	verb, path := words[0], strings.TrimPrefix(words[1], "/")
	if path == "" {
		must(s.t, s.v.fsyncdir(nil, s.v.root))
		return
	}
	dir, name, release := s.at(path)
	defer release()
	own := owner{uint32(os.Geteuid()), uint32(os.Getegid())}
	var n *node
	var err error
	switch verb {
	case "create": // with its name as the content, synced
		if n, err = s.v.create(nil, dir, name, 0, 0o644, own); err == nil {
			err = s.v.write(nil, n, []byte(name), 0, true)
		}
	case "mkdir":
		n, err = s.v.mkdir(nil, dir, name, 0o755, own)
	case "rm":
		err = s.v.unlink(nil, dir, name)
	case "rmdir":
		err = s.v.rmdir(nil, dir, name)
	case "sync":
		if n, err = s.v.lookup(dir, name); err == nil {
			err = s.v.fsyncdir(nil, n)
		}
	case "mv", "ln":
		to, target, release := s.at(words[2])
		defer release()
		if verb == "mv" {
			err = s.v.rename(nil, dir, name, to, target, 0)
			break
		}
		if n, err = s.v.lookup(dir, name); err == nil {
			err = s.v.link(nil, n, to, target)
		}
	default:
		s.t.Fatalf("no verb %q", verb)
	}
	if n != nil {
		s.v.release(n, 1)
	}
	if err != nil {
		s.t.Fatalf("%s: %v", line, err)
	}
}

// tree is every path below a folder, with the content of files.
func tree(t *testing.T, root string) string {
	t.Helper()
	var lines []string
	must(t, filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		line, _ := filepath.Rel(root, path)
		if e.IsDir() {
			line += "/"
		} else {
			line += "=" + contentOf(root, line)
		}
		lines = append(lines, line)
		return nil
	}))
	return strings.Join(lines, " ")
}

func TestStrictGoesBackToTheEntriesOfTheLastSyncOfEachFolder(t *testing.T) {
	for _, c := range []struct{ claim, before, after, want string }{
		{"a new file is gone although it was synced", "", "create a", ""},
		{"unless its folder was", "", "create a; sync /", "a=a"},
		{"a removed file is back", "create a; sync /", "rm a", "a=a"},
		{"one removed and made anew is the old one", "create a; sync /", "rm a; mkdir a", "a=a"},
		{"a renamed file has its old name", "create a; sync /", "mv a b", "a=a"},
		{"and so has what it replaced", "create a; create b; sync /", "mv a b", "a=a b=b"},
		{"a chain of renames is undone", "create a; create b; sync /", "mv a c; mv b a; mv c b", "a=a b=b"},
		{"a rename between folders whose sync covers the new one alone gives both names", "mkdir d; create a; sync /", "mv a d/a; sync d", "a=a d/ d/a=a"},
		{"one whose sync covers the old folder alone gives none", "mkdir d; create a; sync /", "mv a d/a; sync /", "d/"},
		{"a link is gone", "create a; sync /", "ln a b", "a=a"},
		{"a link in the place of a removed name", "create a; create b; sync /", "rm b; ln a b", "a=a b=b"},
		{"a new folder is gone with all it has", "", "mkdir d; create d/a; sync d", ""},
		{"a removed folder is back, and what it had", "mkdir d; create d/a; sync /; sync d", "rm d/a; rmdir d", "d/ d/a=a"},
		{"one whose removal is durable is not", "mkdir d; create d/a; sync /; sync d", "rm d/a; rmdir d; sync /", ""},
		{"a renamed folder has its old name", "mkdir d; create d/a; sync /; sync d", "mv d e", "d/ d/a=a"},
		{"a folder renamed over an empty one gives it back", "mkdir d; create d/a; mkdir e; sync /; sync d", "mv d e", "d/ d/a=a e/"},
		{"a folder moved into another is back", "mkdir d; mkdir e; sync /", "mv e d/e", "d/ e/"},
		{"a folder has one place: the one that was made durable", "mkdir d; mkdir e; sync /", "mv e d/e; sync d", "d/ d/e/"},
		{"folders that changed places are back", "mkdir d; mkdir e; create d/a; sync /; sync d", "mv d f; mv e d; mv f e", "d/ d/a=a e/"},
		{"a folder within a removed folder is back", "mkdir d; mkdir d/e; create d/e/a; sync /; sync d; sync d/e", "rm d/e/a; rmdir d/e; rmdir d", "d/ d/e/ d/e/a=a"},
	} {
		t.Run(c.claim, func(t *testing.T) {
			_, v := volumes(t, 1, "strict")
			s := shell{t, v[0]}
			for i, script := range []string{c.before, c.after} {
				for line := range strings.SplitSeq(script, "; ") {
					if line != "" {
						s.do(line)
					}
				}
				if i == 1 {
					if _, err := v[0].forget(); err != nil {
						t.Error(err)
					}
				}
			}
			if got := tree(t, v[0].backing); got != c.want {
				t.Errorf("before: %s\nafter: %s\ngot %q, want %q", c.before, c.after, got, c.want)
			}
			left, err := os.ReadDir(v[0].backing + limboSuffix)
			must(t, err)
			if len(left) != 0 || len(v[0].nodes) != 1 {
				t.Errorf("%v and %d nodes are left over", left, len(v[0].nodes))
			}
		})
	}
}
