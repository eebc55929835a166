package kafka

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"waybill/targets"
	"waybill/targets/maven"
	"waybill/targets/provision"
)

// Provision implements targets.Target. With everything in the cache it needs neither Maven nor a network. Two calls at once
// follow one another.
func (target) Provision(ctx context.Context, p targets.Provisioning) (targets.Distribution, error) {
	log := p.Log
	if log == nil {
		log = func(string, ...any) {}
	}
	version, ready, err := place(p)
	if err != nil {
		return targets.Distribution{}, err
	}
	j, err := maven.FindJava(ctx, oldestJava)
	if err != nil {
		return targets.Distribution{}, fmt.Errorf("kafka: brokers: %w", err)
	}
	if err := os.MkdirAll(ready.Dir, 0o755); err != nil {
		return targets.Distribution{}, fmt.Errorf("kafka: cache: %w", err)
	}
	unlock, err := provision.Lock(ctx, p.Cache)
	if err != nil {
		return targets.Distribution{}, fmt.Errorf("kafka: %w", err)
	}
	defer unlock()
	if p.Dist != "" {
		err = ready.link(p.Dist)
	} else {
		err = ready.fetch(ctx, version, log)
	}
	if err != nil {
		os.Remove(ready.Dir) // succeeds where it is empty: of a version that does not exist nothing is left
		return targets.Distribution{}, err
	}
	if err := ready.train(ctx, j, log); err != nil {
		return targets.Distribution{}, err
	}
	return targets.Distribution{Dir: ready.Dir, Version: version, Facts: map[string]string{"java": j.Version, "kafka": version}}, nil
}

// place says which version is wanted, and in which folder it is prepared.
func place(p targets.Provisioning) (string, prepared, error) {
	if p.Dist == "" {
		version := p.Version
		if version == "" {
			version = defaultVersion
		}
		return version, preparedIn(filepath.Join(p.Cache, version)), target{}.CheckVersion(version)
	}
	dist, err := filepath.Abs(p.Dist)
	if err != nil {
		return "", prepared{}, fmt.Errorf("kafka: --dist %s: %w", p.Dist, err)
	}
	version, err := versionOf(dist)
	if err != nil {
		return "", prepared{}, err
	}
	if p.Version != "" && p.Version != version {
		return "", prepared{}, fmt.Errorf("kafka: --dist %s holds version %s, and --version %s is %w with it: want --version %s, or none", p.Dist, version, p.Version, targets.ErrUnsupported, version)
	}
	key := sha256.Sum256([]byte(dist))
	return version, preparedIn(filepath.Join(p.Cache, "dist", version+"-"+hex.EncodeToString(key[:6]))), target{}.CheckVersion(version)
}

// versionOf is the version of an unpacked distribution, from the name of the broker's jar.
func versionOf(dist string) (string, error) {
	jars, err := filepath.Glob(filepath.Join(dist, "libs", "kafka_2.1[23]-*.jar"))
	if err != nil {
		return "", fmt.Errorf("kafka: --dist %s: %w", dist, err)
	}
	for _, path := range jars {
		_, version, _ := strings.Cut(strings.TrimSuffix(filepath.Base(path), ".jar"), "-")
		if release.MatchString(version) { // and not a jar of sources or tests
			return version, nil
		}
	}
	return "", fmt.Errorf("kafka: --dist %s is %w: want the folder of an unpacked distribution, with libs/kafka_2.13-VERSION.jar in it", dist, targets.ErrUnsupported)
}

// link makes a distribution of the user's own the source of jars.
func (p prepared) link(dist string) error {
	dist, err := filepath.Abs(dist)
	if err != nil {
		return fmt.Errorf("kafka: --dist %s: %w", dist, err)
	}
	err = os.Symlink(filepath.Join(dist, "libs"), p.Libs())
	if errors.Is(err, fs.ErrExist) {
		return nil // the folder is named after the distribution's path
	}
	return err
}
