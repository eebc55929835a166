package maven

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"waybill/targets/provision"
)

// Folder holds the jars of a Set:
//
//	libs/         the jars
//	SHA256SUMS    their list, with sizes: written last, so that without it nothing is complete
type Folder struct{ Dir string }

// Libs is the folder of the jars.
func (f Folder) Libs() string { return filepath.Join(f.Dir, "libs") }

// Sums is the list's file.
func (f Folder) Sums() string { return filepath.Join(f.Dir, "SHA256SUMS") }

// ErrDamaged is wrapped where a folder does not hold what was fetched into it.
var ErrDamaged = errors.New("not as it was fetched")

// ClassPath lists the jars in order: the JVM accepts an archive of classes only with the class path that it was made with. The error wraps
// fs.ErrNotExist where there are none.
func (f Folder) ClassPath() (string, error) {
	jars, err := filepath.Glob(filepath.Join(f.Libs(), "*.jar"))
	if err != nil {
		return "", fmt.Errorf("maven: %w", err)
	}
	if len(jars) == 0 {
		return "", fmt.Errorf("maven: no jars in %s: %w", f.Libs(), fs.ErrNotExist)
	}
	slices.Sort(jars)
	return strings.Join(jars, string(os.PathListSeparator)), nil
}

// Whole returns nil when the folder holds exactly the jars that were listed when it was complete, as they were. The error wraps fs.ErrNotExist
// where it never was, and ErrDamaged where it is not any more. Names and sizes are compared before anything is read.
func (f Folder) Whole() error {
	text, err := os.ReadFile(f.Sums())
	if err != nil {
		return fmt.Errorf("maven: %s is not complete: %w", f.Dir, err)
	}
	want, err := parseSums(string(text))
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(f.Libs())
	if err != nil {
		return fmt.Errorf("maven: %w", err)
	}
	sizes := map[string]int64{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return fmt.Errorf("maven: %w", err)
		}
		sizes[e.Name()] = info.Size()
	}
	for _, j := range want {
		if size, ok := sizes[j.name]; !ok || size != j.size {
			return fmt.Errorf("maven: %s has %d bytes, want %d: %w", j.name, size, j.size, ErrDamaged)
		}
	}
	for name := range sizes {
		if !slices.ContainsFunc(want, func(j jar) bool { return j.name == name }) {
			return fmt.Errorf("maven: %s does not belong here: %w", name, ErrDamaged)
		}
	}
	for _, j := range want {
		is, err := measureJar(filepath.Join(f.Libs(), j.name))
		if err != nil {
			return err
		}
		if is != j {
			return fmt.Errorf("maven: %s has the checksum %s, want %s: %w", j.name, is.hash, j.hash, ErrDamaged)
		}
	}
	return nil
}

// install puts fetched jars in their place, and then writes their list: an interruption at any point leaves a folder that is not whole. What
// was made from other jars, by patterns of names below the folder, is of no more use.
func (f Folder) install(fetched string, made []string) error {
	js, err := measure(fetched)
	if err != nil {
		return err
	}
	if len(js) == 0 {
		return errors.New("maven: no jars were fetched")
	}
	if err := os.Remove(f.Sums()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("maven: %w", err)
	}
	old := []string{f.Libs()}
	for _, pattern := range made {
		paths, err := filepath.Glob(filepath.Join(f.Dir, pattern))
		if err != nil {
			return fmt.Errorf("maven: %w", err)
		}
		old = append(old, paths...)
	}
	for _, path := range old {
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("maven: %w", err)
		}
	}
	if err := os.Rename(fetched, f.Libs()); err != nil {
		return fmt.Errorf("maven: %w", err)
	}
	return provision.WriteFile(f.Sums(), []byte(sumsText(js)))
}
