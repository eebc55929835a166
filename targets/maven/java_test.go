package maven

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"waybill/targets"
	"waybill/targets/maven/maventest"
)

func TestJavaVersions(t *testing.T) {
	for _, c := range []struct {
		claim, text, version string
		major                int
	}{
		{"Debian's", "openjdk version \"17.0.15\" 2025-04-15\nOpenJDK Runtime Environment (build 17.0.15+6-Debian-1deb12u1)\n", "17.0.15", 17},
		{"Oracle's", "java version \"21.0.2\" 2024-01-16 LTS\n", "21.0.2", 21},
		{"one without updates", "openjdk version \"25\" 2025-09-16\n", "25", 25},
		{"one before its release", "openjdk version \"26-ea\" 2026-03-17\n", "26-ea", 26},
		{"one of the old counting", "openjdk version \"1.8.0_402\"\n", "1.8.0_402", 8},
		{"behind what the JVM says of its options", "Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version \"17.0.1\"\n", "17.0.1", 17},
	} {
		version, major, err := javaVersion(c.text)
		if err != nil || version != c.version || major != c.major {
			t.Errorf("%s: %q, %d, %v", c.claim, version, major, err)
		}
	}
	if version, _, err := javaVersion("Error: could not find libjava.so\n"); err == nil {
		t.Errorf("no version was read as %q", version)
	}
}

func TestJavaIsFoundWhereItIsNewEnough(t *testing.T) {
	old, fit := maventest.Java(t, "11.0.2"), maventest.Java(t, "21.0.1")
	for _, c := range []struct {
		claim, home, path string
		want              string // version found
		says              string // without one
	}{
		{"in PATH", "", filepath.Join(fit, "bin"), "21.0.1", ""},
		{"in JAVA_HOME", fit, t.TempDir(), "21.0.1", ""},
		{"in PATH, when that of JAVA_HOME is too old", old, filepath.Join(fit, "bin"), "21.0.1", ""},
		{"nowhere, when all are too old", old, filepath.Join(old, "bin"), "", "is Java 11.0.2"},
		{"nowhere, when there is none", "", t.TempDir(), "", "none in JAVA_HOME or PATH"},
		{"nowhere, when JAVA_HOME is wrong", t.TempDir(), t.TempDir(), "", "-version: "},
	} {
		t.Setenv("JAVA_HOME", c.home)
		t.Setenv("PATH", c.path+":/usr/bin/nowhere")
		j, err := FindJava(t.Context(), 17)
		if j.Version != c.want || (err == nil) != (c.says == "") {
			t.Errorf("%s: %+v, %v", c.claim, j, err)
		}
		if err != nil && (!errors.Is(err, targets.ErrMissing) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "apt-get install default-jre-headless")) {
			t.Errorf("%s: the error does not say what is missing and how to get it: %v", c.claim, err)
		}
	}
}
