package kafka

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"waybill/targets/maven"
)

// prepared is the folder that Provision makes: everything that a cluster is started from, without a network.
//
//	libs/            the jars; with a distribution of the user's own, a link to its folder of jars
//	SHA256SUMS       of the jars that were fetched
//	format/          a storage folder as the product's own tool formatted it: every node's is copied from it
//	classes-V.jsa    the JVM's archive of loaded classes, for Java V: it cuts a start to less than half
type prepared struct{ maven.Folder }

func preparedIn(dir string) prepared { return prepared{maven.Folder{Dir: dir}} }

func (p prepared) format() string { return filepath.Join(p.Dir, formatDir) }
func (p prepared) classes(j maven.Java) string {
	return filepath.Join(p.Dir, strings.Replace(classArchives, "*", j.Version, 1))
}
func (p prepared) metaProperties() string   { return filepath.Join(p.format(), metaProperties) }
func (p prepared) bootstrapRecords() string { return filepath.Join(p.format(), bootstrapRecords) }

// What is made from the jars, below the folder.
const (
	formatDir     = "format"
	classArchives = "classes-*.jsa" // one for each Java
)

// Files of a formatted storage folder.
const (
	metaProperties   = "meta.properties"
	bootstrapRecords = "bootstrap.checkpoint" // the feature levels that a new cluster begins with
)

// classPath is that of a node.
func (p prepared) classPath() (string, error) {
	path, err := p.ClassPath()
	if err != nil {
		return "", fmt.Errorf("kafka: run `waybill provision kafka`: %w", err)
	}
	return path, nil
}

// formatFor makes a node's storage folder: what the product's tool wrote, under the node's own identity.
func (p prepared) formatFor(s server, cluster string) error {
	meta, err := os.ReadFile(p.metaProperties())
	if err != nil {
		return fmt.Errorf("kafka: formatted storage: run `waybill provision kafka`: %w", err)
	}
	records, err := os.ReadFile(p.bootstrapRecords())
	if err != nil {
		return fmt.Errorf("kafka: formatted storage: run `waybill provision kafka`: %w", err)
	}
	if err := os.MkdirAll(s.data(), 0o755); err != nil {
		return fmt.Errorf("kafka: storage of node %d: %w", s.id, err)
	}
	own := map[string]string{"node.id": strconv.Itoa(s.id), "cluster.id": cluster, "directory.id": newID()}
	for name, data := range map[string][]byte{metaProperties: withIdentity(meta, own), bootstrapRecords: records} {
		if err := os.WriteFile(filepath.Join(s.data(), name), data, 0o644); err != nil {
			return fmt.Errorf("kafka: storage of node %d: %w", s.id, err)
		}
	}
	return nil
}

// withIdentity replaces the values of those properties that the text has.
func withIdentity(text []byte, values map[string]string) []byte {
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		name, _, _ := strings.Cut(line, "=")
		if v, ok := values[name]; ok {
			line = name + "=" + v + "\n"
		}
		b.WriteString(line)
	}
	return []byte(b.String())
}

// newID is a random Uuid in the product's own notation, which must not begin with a hyphen.
func newID() string {
	for {
		var id [16]byte
		rand.Read(id[:]) // never fails
		if text := base64.RawURLEncoding.EncodeToString(id[:]); text[0] != '-' {
			return text
		}
	}
}
