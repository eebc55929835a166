// Package maventest puts programs in the place of Maven and Java, for tests of what a target does with them. They fetch and run nothing.
package maventest

import (
	"os"
	"path/filepath"
	"testing"
)

// Maven puts a program into PATH that does what the script says; $OUT is the folder that jars go to.
func Maven(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	program(t, filepath.Join(dir, "mvn"), "for a in \"$@\"; do case $a in -DoutputDirectory=*) OUT=${a#*=};; esac; done\n"+script)
	t.Setenv("MAVEN_HOME", "")
	t.Setenv("PATH", dir+":/usr/bin:/bin")
}

// Java makes a program that says it is Java of a version, in the bin of a folder that it returns.
func Java(t *testing.T, version string) (home string) {
	t.Helper()
	home = t.TempDir()
	if err := os.Mkdir(filepath.Join(home, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	program(t, filepath.Join(home, "bin", "java"), "echo 'openjdk version \""+version+"\"' >&2")
	return home
}

func program(t *testing.T, path, script string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}
