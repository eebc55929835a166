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
	"time"

	"golang.org/x/sys/unix"
	"waybill/targets"
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
	j, err := findJava(ctx)
	if err != nil {
		return targets.Distribution{}, err
	}
	if err := os.MkdirAll(ready.dir, 0o755); err != nil {
		return targets.Distribution{}, fmt.Errorf("kafka: cache: %w", err)
	}
	unlock, err := lock(ctx, filepath.Join(p.Cache, "lock"))
	if err != nil {
		return targets.Distribution{}, err
	}
	defer unlock()
	if p.Dist != "" {
		err = ready.link(p.Dist)
	} else {
		err = ready.complete(ctx, version, log)
	}
	if err != nil {
		os.Remove(ready.dir) // succeeds where it is empty: of a version that does not exist nothing is left
		return targets.Distribution{}, err
	}
	if err := ready.train(ctx, j, log); err != nil {
		return targets.Distribution{}, err
	}
	return targets.Distribution{Dir: ready.dir, Version: version, Facts: map[string]string{"java": j.version, "kafka": version}}, nil
}

// place says which version is wanted, and in which folder it is prepared.
func place(p targets.Provisioning) (string, prepared, error) {
	if p.Dist == "" {
		version := p.Version
		if version == "" {
			version = defaultVersion
		}
		return version, prepared{filepath.Join(p.Cache, version)}, target{}.CheckVersion(version)
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
	return version, prepared{filepath.Join(p.Cache, "dist", version+"-"+hex.EncodeToString(key[:6]))}, target{}.CheckVersion(version)
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
	err = os.Symlink(filepath.Join(dist, "libs"), p.libs())
	if errors.Is(err, fs.ErrExist) {
		return nil // the folder is named after the distribution's path
	}
	return err
}

// complete fetches the jars unless they are all there and whole.
func (p prepared) complete(ctx context.Context, version string, log func(string, ...any)) error {
	why := p.whole()
	if why == nil {
		return nil
	}
	if !errors.Is(why, fs.ErrNotExist) {
		log("%v: fetching the jars again", why)
	} else {
		log("kafka: fetching the jars of version %s (about 55 MB, once)", version)
	}
	began := time.Now()
	work, err := os.MkdirTemp(p.dir, ".fetch-")
	if err != nil {
		return fmt.Errorf("kafka: cache: %w", err)
	}
	defer os.RemoveAll(work)
	fetched := filepath.Join(work, "libs")
	if err := fetch(ctx, version, work, fetched, log); err != nil {
		return err
	}
	if err := p.install(fetched); err != nil {
		return err
	}
	log("kafka: version %s fetched in %v", version, time.Since(began).Round(100*time.Millisecond))
	return nil
}

// lock keeps other processes out of a folder that is being prepared. The kernel releases it with the process.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("kafka: cache: %w", err)
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			f.Close()
			return nil, fmt.Errorf("kafka: cache: lock %s: %w", path, err)
		}
		if pause(ctx, pollEvery) != nil {
			f.Close()
			return nil, fmt.Errorf("kafka: cache: another process prepares it (lock %s): %w", path, ctx.Err())
		}
	}
}
