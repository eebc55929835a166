package kafka

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// jar is a file as it was when it was fetched.
type jar struct {
	name string
	size int64
	hash string // SHA-256, in hexadecimal
}

// measure reads all jars of a folder. A jar that is no whole archive is an error.
func measure(dir string) ([]jar, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.jar"))
	if err != nil {
		return nil, err
	}
	var js []jar
	for _, path := range paths {
		z, err := zip.OpenReader(path)
		if err != nil {
			return nil, fmt.Errorf("kafka: %s is damaged: remove it where Maven keeps it (usually ~/.m2/repository), and call again: %w", filepath.Base(path), err)
		}
		z.Close()
		j, err := measureJar(path)
		if err != nil {
			return nil, err
		}
		js = append(js, j)
	}
	return js, nil
}

func measureJar(path string) (jar, error) {
	f, err := os.Open(path)
	if err != nil {
		return jar{}, fmt.Errorf("kafka: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	size, err := io.Copy(h, f)
	if err != nil {
		return jar{}, fmt.Errorf("kafka: %w", err)
	}
	return jar{name: filepath.Base(path), size: size, hash: hex.EncodeToString(h.Sum(nil))}, nil
}

// sumsText is the list of jars, a line each: hash, size, name.
func sumsText(js []jar) string {
	var b strings.Builder
	for _, j := range js {
		fmt.Fprintf(&b, "%s  %d  %s\n", j.hash, j.size, j.name)
	}
	return b.String()
}

func parseSums(text string) ([]jar, error) {
	var js []jar
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) != 3 || len(f[0]) != 2*sha256.Size {
			return nil, fmt.Errorf("kafka: list of checksums: %q: want hash, size and name", strings.TrimSpace(line))
		}
		size, err := strconv.ParseInt(f[1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("kafka: list of checksums: %q: %w", strings.TrimSpace(line), err)
		}
		js = append(js, jar{name: f[2], size: size, hash: f[0]})
	}
	if len(js) == 0 {
		return nil, errors.New("kafka: list of checksums: it is empty")
	}
	return js, nil
}

// whole returns nil when the folder holds exactly the jars that were listed when it was complete, as they were. The list
// is written last: without it nothing is complete. Names and sizes are compared before anything is read.
func (p prepared) whole() error {
	text, err := os.ReadFile(p.sums())
	if err != nil {
		return fmt.Errorf("kafka: %s is not complete: %w", p.dir, err)
	}
	want, err := parseSums(string(text))
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(p.libs())
	if err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	sizes := map[string]int64{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return fmt.Errorf("kafka: %w", err)
		}
		sizes[e.Name()] = info.Size()
	}
	for _, j := range want {
		if size, ok := sizes[j.name]; !ok || size != j.size {
			return fmt.Errorf("kafka: %s has %d bytes, want %d: %w", j.name, size, j.size, errJar)
		}
	}
	for name := range sizes {
		if !slices.ContainsFunc(want, func(j jar) bool { return j.name == name }) {
			return fmt.Errorf("kafka: %s does not belong here: %w", name, errJar)
		}
	}
	for _, j := range want {
		is, err := measureJar(filepath.Join(p.libs(), j.name))
		if err != nil {
			return err
		}
		if is != j {
			return fmt.Errorf("kafka: %s has the checksum %s, want %s: %w", j.name, is.hash, j.hash, errJar)
		}
	}
	return nil
}

var errJar = errors.New("not as it was fetched")

// install puts fetched jars in their place, and then writes their list: an interruption at any point leaves a folder that
// is not whole. Archives of classes made from other jars are of no more use.
func (p prepared) install(fetched string) error {
	js, err := measure(fetched)
	if err != nil {
		return err
	}
	if len(js) == 0 {
		return errors.New("kafka: Maven fetched no jars")
	}
	if err := os.Remove(p.sums()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("kafka: %w", err)
	}
	old, err := filepath.Glob(filepath.Join(p.dir, "classes-*.jsa"))
	if err != nil {
		return err
	}
	for _, path := range append(old, p.libs(), p.format()) {
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("kafka: %w", err)
		}
	}
	if err := os.Rename(fetched, p.libs()); err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	return writeWhole(p.sums(), []byte(sumsText(js)))
}

// writeWhole writes a file so that it is there as a whole or not at all.
func writeWhole(path string, data []byte) error {
	if err := os.WriteFile(path+".part", data, 0o644); err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	if err := os.Rename(path+".part", path); err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	return nil
}
