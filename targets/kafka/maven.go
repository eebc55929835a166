package kafka

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"waybill/targets"
)

//go:embed pom.xml
var pom string

// defaultVersion is that of pom.xml.
var defaultVersion = versionIn(pom)

func versionIn(pom string) string {
	m := regexp.MustCompile(`<kafka\.version>([^<]+)<`).FindStringSubmatch(pom)
	if m == nil {
		panic("kafka: pom.xml has no kafka.version")
	}
	return m[1]
}

var release = regexp.MustCompile(`^([0-9]+)\.([0-9]+)\.[0-9]+(-rc[0-9]+)?$`)

// CheckVersion implements targets.VersionChecker: it refuses what is no release, and what is older than the oldest whose brokers do
// without ZooKeeper for good.
func (target) CheckVersion(v string) error {
	m := release.FindStringSubmatch(v)
	if m == nil {
		return fmt.Errorf("kafka: version %q is %w: want a release like %s, 3.3.0 or newer", v, targets.ErrUnsupported, defaultVersion)
	}
	major, _ := strconv.Atoi(m[1])
	minor, _ := strconv.Atoi(m[2])
	if major < 3 || major == 3 && minor < 3 {
		return fmt.Errorf("kafka: version %s is %w: want 3.3.0 or newer, whose brokers need no ZooKeeper", v, targets.ErrUnsupported)
	}
	return nil
}

// findMaven looks in MAVEN_HOME, then in PATH.
func findMaven() (string, error) {
	if home := os.Getenv("MAVEN_HOME"); home != "" {
		if path, err := exec.LookPath(filepath.Join(home, "bin", "mvn")); err == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath("mvn")
	if err != nil {
		return "", fmt.Errorf("kafka: the brokers' jars are fetched by Maven, and there is no mvn in PATH: %w (on Debian and Ubuntu: apt-get install maven; or `make deps`; or unpack a distribution and use --dist DIR)", targets.ErrMissing)
	}
	return path, nil
}

// fetch lets Maven resolve a version's jars and copy them into the folder to. What Maven has downloaded it keeps in its own
// repository, so that a fetch that was interrupted goes on where it was.
func fetch(ctx context.Context, version, work, to string, log func(string, ...any)) error {
	mvn, err := findMaven()
	if err != nil {
		return err
	}
	file := filepath.Join(work, "pom.xml")
	if err := os.WriteFile(file, []byte(pom), 0o644); err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	files, told, said := 0, 0, time.Now()
	c, err := startChild(ctx, mvn, []string{"--batch-mode", "--file", file, "-Dkafka.version=" + version, "-DoutputDirectory=" + to, "dependency:copy-dependencies"}, nil,
		func(line string) {
			if strings.Contains(line, "Downloaded ") {
				files++
			}
			if files > told && time.Since(said) > 2*time.Second {
				told, said = files, time.Now()
				log("kafka: %d files fetched", files)
			}
		})
	if err != nil {
		return fmt.Errorf("kafka: Maven: %w", err)
	}
	<-c.done
	if ctx.Err() != nil {
		return fmt.Errorf("kafka: fetching jars: %w; another call goes on from here", ctx.Err())
	}
	if c.err != nil {
		return mavenError(version, c.words(), c.err)
	}
	return nil
}

// mavenError says what is wrong in words for a user, as far as Maven's output tells.
func mavenError(version, output string, err error) error {
	if strings.Contains(output, "Could not find artifact org.apache.kafka:") {
		return fmt.Errorf("kafka: --version %s is %w: Maven finds no such release of org.apache.kafka:kafka_2.13; kafka.apache.org lists the releases", version, targets.ErrUnsupported)
	}
	var errs []string
	for line := range strings.Lines(output) {
		if strings.HasPrefix(line, "[ERROR]") && len(errs) < 3 {
			errs = append(errs, strings.TrimSpace(strings.TrimPrefix(line, "[ERROR]")))
		}
	}
	return fmt.Errorf("kafka: Maven could not fetch version %s (%w); is there a network? Another call goes on from here. It said: %s", version, err, strings.Join(errs, " "))
}
