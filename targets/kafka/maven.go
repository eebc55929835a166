package kafka

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"waybill/targets"
	"waybill/targets/maven"
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

// jars are those of a version.
func jars(version string) maven.Set {
	return maven.Set{
		Name: "kafka " + version, Size: "55 MB", POM: pom, Args: []string{"-Dkafka.version=" + version},
		Made: []string{classArchives, formatDir},
	}
}

// fetch lets Maven resolve a version's jars, unless they are all there and whole.
func (p prepared) fetch(ctx context.Context, version string, log func(string, ...any)) error {
	err := jars(version).Complete(ctx, p.Folder, log)
	switch {
	case errors.Is(err, maven.ErrNoArtifact) && strings.Contains(err.Error(), "org.apache.kafka:"):
		return fmt.Errorf("kafka: --version %s is %w: Maven finds no such release of org.apache.kafka:kafka_2.13; kafka.apache.org lists the releases", version, targets.ErrUnsupported)
	case errors.Is(err, targets.ErrMissing):
		return fmt.Errorf("kafka: the brokers' jars are fetched by Maven: %w; or unpack a distribution and use --dist DIR", err)
	case err != nil:
		return fmt.Errorf("kafka: %w", err)
	}
	return nil
}
