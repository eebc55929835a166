package maven

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
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
			return nil, fmt.Errorf("maven: %s is damaged: remove it where Maven keeps it (usually ~/.m2/repository), and call again: %w", filepath.Base(path), err)
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
		return jar{}, fmt.Errorf("maven: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	size, err := io.Copy(h, f)
	if err != nil {
		return jar{}, fmt.Errorf("maven: %w", err)
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
			return nil, fmt.Errorf("maven: list of checksums: %q: want hash, size and name", strings.TrimSpace(line))
		}
		size, err := strconv.ParseInt(f[1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("maven: list of checksums: %q: %w", strings.TrimSpace(line), err)
		}
		js = append(js, jar{name: f[2], size: size, hash: f[0]})
	}
	if len(js) == 0 {
		return nil, errors.New("maven: list of checksums: it is empty")
	}
	return js, nil
}
