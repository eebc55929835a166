package maven

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"

	"waybill/targets"
)

const getJava = "on Debian and Ubuntu: apt-get install default-jre-headless; or `make deps`"

// Java is a Java runtime of this machine.
type Java struct {
	Path    string
	Version string // "17.0.15"
}

// FindJava looks in JAVA_HOME, then in PATH, for a runtime whose major version is at least oldest. The error wraps targets.ErrMissing.
func FindJava(ctx context.Context, oldest int) (Java, error) {
	var found []error
	for _, path := range javaCandidates() {
		out, err := exec.CommandContext(ctx, path, "-version").CombinedOutput()
		if err != nil {
			found = append(found, fmt.Errorf("%s -version: %w", path, err))
			continue
		}
		version, major, err := javaVersion(string(out))
		switch {
		case err != nil:
			found = append(found, fmt.Errorf("%s: %w", path, err))
		case major < oldest:
			found = append(found, fmt.Errorf("%s is Java %s", path, version))
		default:
			return Java{Path: path, Version: version}, nil
		}
	}
	if ctx.Err() != nil {
		return Java{}, fmt.Errorf("maven: looking for Java: %w", ctx.Err())
	}
	if len(found) == 0 {
		found = append(found, errors.New("there is none in JAVA_HOME or PATH"))
	}
	return Java{}, fmt.Errorf("maven: no Java %d or newer: %w: %w (%s)", oldest, errors.Join(found...), targets.ErrMissing, getJava)
}

func javaCandidates() []string {
	var paths []string
	if home := os.Getenv("JAVA_HOME"); home != "" {
		paths = append(paths, filepath.Join(home, "bin", "java"))
	}
	if path, err := exec.LookPath("java"); err == nil {
		paths = append(paths, path)
	}
	return paths
}

// quotedVersion is how every vendor's `java -version` names its version: 17.0.15, 21, 25-ea, or 1.8.0_402 up to Java 8.
var quotedVersion = regexp.MustCompile(`version "((1\.)?([0-9]+)[^"]*)"`)

// javaVersion reads what `java -version` prints.
func javaVersion(text string) (version string, major int, err error) {
	m := quotedVersion.FindStringSubmatch(text)
	if m == nil {
		return "", 0, fmt.Errorf("no version in what java -version says: %.200q", text)
	}
	major, err = strconv.Atoi(m[3])
	if err != nil {
		return "", 0, fmt.Errorf("version %q: %w", m[1], err)
	}
	return m[1], major, nil
}
